// Where one looks at a photo: how far zoomed in, and at which point; pure.
//
// `scale` 1 shows the whole photo as large as the stage allows. The window is the part of the stage that the photo
// covers: it grows with the scale until it is the stage. x and y are the photo's point at the window's middle, 0…1.

export interface Size {
  width: number;
  height: number;
}

export interface Look {
  scale: number;
  x: number;
  y: number;
}

export const WHOLE: Look = { scale: 1, x: 0.5, y: 0.5 };
const CLOSEST = 8; // stage pixels for one of the photo
const LARGEST_FIT = 6;

/** The photo's size on the stage at scale 1; a tiny one stays a picture, and does not become a few tiles. */
export function fitted(stage: Size, photo: Size): Size {
  const scale = Math.min(stage.width / photo.width, stage.height / photo.height, LARGEST_FIT);
  return { width: photo.width * scale, height: photo.height * scale };
}

/** The scale at which one pixel of the photo is one of the screen. `density`: screen pixels for one of CSS. */
export function fullScale(stage: Size, photo: Size, density: number): number {
  return photo.width / fitted(stage, photo).width / density;
}

/** The look within its bounds: no emptier than the whole, no closer than sense, never beside the photo. */
export function bounded(look: Look, stage: Size, photo: Size): Look {
  const most = Math.max(1, fullScale(stage, photo, 1) * CLOSEST);
  const scale = Math.min(Math.max(look.scale, 1), most);
  const fit = fitted(stage, photo);
  const half = {
    width: Math.min(stage.width / (fit.width * scale), 1) / 2,
    height: Math.min(stage.height / (fit.height * scale), 1) / 2,
  };
  return {
    scale,
    x: Math.min(Math.max(look.x, half.width), 1 - half.width),
    y: Math.min(Math.max(look.y, half.height), 1 - half.height),
  };
}

/** Closer by `factor`, while what lies at (dx, dy) from the stage's middle stays there. */
export function zoomed(look: Look, factor: number, at: { dx: number; dy: number }, stage: Size, photo: Size): Look {
  const fit = fitted(stage, photo);
  const { scale } = bounded({ ...look, scale: look.scale * factor }, stage, photo);
  const shift = 1 / look.scale - 1 / scale;
  return bounded({ scale, x: look.x + (at.dx / fit.width) * shift, y: look.y + (at.dy / fit.height) * shift }, stage, photo);
}

/** The photo moved by (dx, dy) stage pixels, as if taken by hand. */
export function panned(look: Look, dx: number, dy: number, stage: Size, photo: Size): Look {
  const fit = fitted(stage, photo);
  return bounded({ ...look, x: look.x - dx / (fit.width * look.scale), y: look.y - dy / (fit.height * look.scale) }, stage, photo);
}

/** How to lay the photo out: the window's size, the photo's, and its corner within the window; in stage pixels. */
export function layout(look: Look, stage: Size, photo: Size): { window: Size; photo: Size; left: number; top: number } {
  const fit = fitted(stage, photo);
  const size = { width: fit.width * look.scale, height: fit.height * look.scale };
  const window = { width: Math.min(stage.width, size.width), height: Math.min(stage.height, size.height) };
  return { window, photo: size, left: window.width / 2 - look.x * size.width, top: window.height / 2 - look.y * size.height };
}
