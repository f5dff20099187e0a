// Looking closer: bounds, and points that stay where they are.
import { expect, test } from "vitest";
import { bounded, fitted, fullScale, layout, panned, WHOLE, zoomed, type Look } from "../src/view/zoom";

const STAGE = { width: 1000, height: 600 };
const PHOTO = { width: 6000, height: 4000 };

/** Where a point of the photo (0…1) lies on the stage. */
function placed(look: Look, x: number, y: number): [number, number] {
  const { window, photo, left, top } = layout(look, STAGE, PHOTO);
  return [(STAGE.width - window.width) / 2 + left + x * photo.width, (STAGE.height - window.height) / 2 + top + y * photo.height];
}

test("the whole photo fits the stage and keeps its shape", () => {
  expect(fitted(STAGE, PHOTO)).toEqual({ width: 900, height: 600 });
  expect(fitted(STAGE, { width: 100, height: 400 })).toEqual({ width: 150, height: 600 });
  expect(layout(WHOLE, STAGE, PHOTO)).toEqual({ window: { width: 900, height: 600 }, photo: { width: 900, height: 600 }, left: 0, top: 0 });
});

test("the window grows with the photo until it is the stage", () => {
  expect(layout({ ...WHOLE, scale: 1.05 }, STAGE, PHOTO).window).toEqual({ width: 945, height: 600 });
  expect(layout({ ...WHOLE, scale: 3 }, STAGE, PHOTO).window).toEqual(STAGE);
});

test("at 100 % a pixel of the photo is one of the screen", () => {
  const scale = fullScale(STAGE, PHOTO, 2);
  expect(layout({ ...WHOLE, scale }, STAGE, PHOTO).photo.width * 2).toBeCloseTo(PHOTO.width);
});

test("what lies under the pointer stays there while zooming", () => {
  const before: Look = { scale: 2, x: 0.5, y: 0.5 };
  const at = { dx: 200, dy: -100 };
  const fit = fitted(STAGE, PHOTO);
  const point = [before.x + at.dx / (fit.width * before.scale), before.y + at.dy / (fit.height * before.scale)] as const;
  const after = zoomed(before, 1.7, at, STAGE, PHOTO);
  const [x, y] = placed(after, ...point);
  expect([x - STAGE.width / 2, y - STAGE.height / 2].map(Math.round)).toEqual([at.dx, at.dy]);
});

test("a photo in hand follows the hand, and nobody sees beside it", () => {
  const moved = panned({ scale: 4, x: 0.5, y: 0.5 }, 90, -60, STAGE, PHOTO);
  expect([moved.x, moved.y]).toEqual([0.475, 0.525]);
  const far = panned(moved, 1e6, 1e6, STAGE, PHOTO);
  const { left, top } = layout(far, STAGE, PHOTO);
  expect([Math.abs(left), Math.abs(top)]).toEqual([0, 0]);
});

test("nobody gets out of the whole, or closer than sense", () => {
  expect(bounded({ scale: 0.2, x: 0, y: 1 }, STAGE, PHOTO)).toEqual(WHOLE);
  expect(zoomed(WHOLE, 1e9, { dx: 0, dy: 0 }, STAGE, PHOTO).scale).toBeCloseTo((8 * 6000) / 900);
});
