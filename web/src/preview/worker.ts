// Decodes a photo small, guesses its exposure and develops it, all beside the page's own thread.
import { Development } from "./curves";
import { estimatedRatio } from "./estimate";
import { painter, type Painter } from "./painter";
import type { Asked, Open, Told } from "./protocol";

const THUMB = 160; // pixels of the longer side
const SEEN = 128; // of the thumbnail that the estimate reads

interface Developed {
  painter: Painter;
  estimate: number;
}

const developed = new Map<number, Promise<Developed | null>>();

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  void answer(data);
};

async function answer(asked: Asked): Promise<void> {
  if (asked.kind === "open") developed.set(asked.id, open(asked));
  const photo = await developed.get(asked.id);
  if (asked.kind === "expose" && photo) draw(photo, asked.ratio);
  if (asked.kind === "close") {
    developed.delete(asked.id);
    photo?.painter.close();
  }
}

function tell(told: Told): void {
  self.postMessage(told);
}

async function open(asked: Open): Promise<Developed | null> {
  try {
    const size = { resizeWidth: asked.width, resizeHeight: asked.height, resizeQuality: "medium" } as const;
    const bitmap = await createImageBitmap(asked.photo, size);
    const estimate = estimatedRatio(pixels(bitmap, SEEN));
    const photo = { painter: painter(asked.canvas, bitmap), estimate };
    draw(photo, asked.ratio);
    tell({ kind: "shown", id: asked.id, estimate, how: photo.painter.how });
    const thumb = await small(bitmap, asked.ratio ?? estimate);
    bitmap.close();
    tell({ kind: "thumbed", id: asked.id, thumb });
    return photo;
  } catch {
    tell({ kind: "unshown", id: asked.id }); // this browser cannot decode it; the page says so
    return null;
  }
}

function draw(photo: Developed, ratio: number | null): void {
  photo.painter.draw(new Development(ratio ?? photo.estimate).codes());
}

function fitted(bitmap: ImageBitmap, side: number): [OffscreenCanvas, OffscreenCanvasRenderingContext2D] {
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return [canvas, context];
}

function pixels(bitmap: ImageBitmap, side: number): Uint8ClampedArray {
  const [canvas, context] = fitted(bitmap, side);
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

async function small(bitmap: ImageBitmap, ratio: number): Promise<Blob> {
  const [canvas, context] = fitted(bitmap, THUMB);
  const picture = context.getImageData(0, 0, canvas.width, canvas.height);
  const codes = new Development(ratio).codes();
  picture.data.forEach((code, at) => {
    if (at % 4 < 3) picture.data[at] = codes[256 * (at % 4) + code] ?? 0;
  });
  context.putImageData(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
}
