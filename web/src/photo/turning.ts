// Turning a picture as its EXIF orientation says, where the browser could not know it.

/** The matrix (a, b, c, d) that brings stored pixels upright, for orientation 1…8. */
export const TURNS: Readonly<Record<number, readonly [number, number, number, number]>> = {
  1: [1, 0, 0, 1],
  2: [-1, 0, 0, 1],
  3: [-1, 0, 0, -1],
  4: [1, 0, 0, -1],
  5: [0, 1, 1, 0],
  6: [0, 1, -1, 0],
  7: [0, -1, -1, 0],
  8: [0, -1, 1, 0],
};

/** Whether width and height change places. */
export function liesOnItsSide(orientation: number): boolean {
  return orientation >= 5 && orientation <= 8;
}

/** A JPEG turned upright as a new JPEG; the same one when nothing has to be turned. Throws what cannot be decoded. */
export async function uprightJpeg(jpeg: Blob, orientation: number): Promise<Blob> {
  const turn = TURNS[orientation];
  if (!turn || orientation === 1) return jpeg;
  const bitmap = await createImageBitmap(jpeg);
  const { width, height } = bitmap;
  const side = liesOnItsSide(orientation);
  const canvas = new OffscreenCanvas(side ? height : width, side ? width : height);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.translate(canvas.width / 2, canvas.height / 2);
  context.transform(...turn, 0, 0);
  context.drawImage(bitmap, -width / 2, -height / 2);
  bitmap.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
}
