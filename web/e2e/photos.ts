// Dark photos made by the browser itself, so that no test needs a file from elsewhere.
import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";

export interface File {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** A night scene of a size, as a JPEG; `seed` makes another one. */
export async function nightJpeg(page: Page, width = 640, height = 427, { name = "night.jpg", seed = 1 } = {}): Promise<File> {
  const base64 = await page.evaluate(
    async ([width, height, seed]) => {
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      const sky = context.createLinearGradient(0, 0, 0, height);
      sky.addColorStop(0, "rgb(4,5,9)");
      sky.addColorStop(1, "rgb(22,17,14)");
      context.fillStyle = sky;
      context.fillRect(0, 0, width, height);
      let random = seed;
      for (let at = 0; at < 220; at += 1) {
        random = (random * 48271) % 2147483647;
        const x = (random % 997) / 997;
        random = (random * 48271) % 2147483647;
        const y = 0.35 + 0.65 * ((random % 991) / 991);
        const light = 12 + (random % 34);
        context.fillStyle = `rgb(${light + 8},${light + 3},${light})`;
        context.fillRect(x * width, y * height, width / 28, height / 18);
      }
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 })).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    },
    [width, height, seed] as const,
  );
  return { name, mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
}

/** Drops files onto the page as a hand would. */
export async function drop(page: Page, files: readonly File[]): Promise<void> {
  const sent = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString("base64") }));
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, mimeType, base64 } of files) {
      transfer.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name, { type: mimeType }));
    }
    return transfer;
  }, sent);
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(".page", event, { dataTransfer: transfer });
}

const SAMPLE = new URL("../src/parts/sample.jpg", import.meta.url);
const made = new Map<string, File>();

/** The page's own sample, cut to a shape and `light` times as bright, as a JPEG; made once. */
export async function scenePhoto(page: Page, width: number, height: number, light = 1): Promise<File> {
  const known = made.get(`${width}×${height}×${light}`);
  if (known) return known;
  const base64 = await page.evaluate(
    async ([sample, width, height, light]) => {
      const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(sample), (letter) => letter.charCodeAt(0))]));
      const canvas = new OffscreenCanvas(width, height);
      const context = canvas.getContext("2d");
      if (!context) throw new Error("no canvas");
      const scale = Math.max(width / picture.width, height / picture.height);
      context.filter = `brightness(${light})`;
      context.translate(width / 2, height / 2);
      context.scale(scale, scale);
      context.drawImage(picture, -picture.width / 2, -picture.height / 2);
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg", quality: 0.9 })).arrayBuffer());
      let text = "";
      for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
      return btoa(text);
    },
    [readFileSync(SAMPLE).toString("base64"), width, height, light] as const,
  );
  const photo = { name: "Coffee at night.jpg", mimeType: "image/jpeg", buffer: Buffer.from(base64, "base64") };
  made.set(`${width}×${height}×${light}`, photo);
  return photo;
}

/** As a camera's raw file of which only its own picture can be read: a RAF's header, and the JPEG. */
export function asRaw({ buffer }: File): File {
  const head = Buffer.alloc(128);
  head.write("FUJIFILMCCD-RAW 0201", "latin1");
  head.writeUInt32BE(head.length, 84);
  head.writeUInt32BE(buffer.length, 88);
  return { name: "DSCF0042.RAF", mimeType: "", buffer: Buffer.concat([head, buffer]) };
}

/** Holds a file over the page without letting go. */
export async function hover(page: Page): Promise<void> {
  const transfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "x.jpg", { type: "image/jpeg" }));
    return transfer;
  });
  await page.dispatchEvent(".page", "dragenter", { dataTransfer: transfer });
}
