// How large a photo is, from its header: width and height as shown, upright. Nothing is decoded.
import { jpegSize, jpegTurn } from "./jpeg";
import { kindOf } from "./kinds";
import { liesOnItsSide } from "./turning";

export interface Size {
  width: number;
  height: number;
}

const HEAD_BYTES = 262_144; // JPEGs of cameras carry their thumbnail, and colour profiles, before their size
const TURNS = 0x08; // of VP8X: EXIF follows somewhere, which may turn it
const MOVES = 0x02; // of VP8X: more than one frame

/** Null for kinds whose header is no plain one: those are left to the browser. Pure. */
export function statedSize(head: Uint8Array): Size | null {
  const { kind } = kindOf(head);
  if (kind === "jpeg") {
    const size = jpegSize(head);
    return size && liesOnItsSide(jpegTurn(head)) ? { width: size.height, height: size.width } : size;
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (kind === "png" && head.length >= 24) return { width: view.getUint32(16), height: view.getUint32(20) };
  if (kind === "webp" && head.length >= 30) return webpSize(view);
  return null;
}

/** Whether a WebP's header, or a PNG's chunks before its picture, tell of several frames. Pure. */
export function isAnimated(head: Uint8Array): boolean {
  const { kind } = kindOf(head);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (kind === "webp") return head.length > 20 && letters(view, 12) === "VP8X" && (view.getUint8(20) & MOVES) !== 0;
  if (kind !== "png") return false;
  for (let at = 8; at + 12 <= head.length && letters(view, at + 4) !== "IDAT"; at += 12 + view.getUint32(at)) {
    if (letters(view, at + 4) === "acTL" && at + 12 <= head.length) return view.getUint32(at + 8) > 1;
  }
  return false;
}

function letters(view: DataView, at: number): string {
  return String.fromCharCode(...[0, 1, 2, 3].map((place) => view.getUint8(at + place)));
}

function webpSize(view: DataView): Size | null {
  const form = letters(view, 12);
  const three = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16);
  if (form === "VP8X") return view.getUint8(20) & TURNS ? null : { width: three(24) + 1, height: three(27) + 1 };
  if (form === "VP8 ") return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  if (form !== "VP8L") return null;
  const bits = view.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

/** As its header states, or else as the browser finds; null when it cannot read it. */
export async function sizeOf(photo: Blob, url: string): Promise<Size | null> {
  const head = new Uint8Array(await photo.slice(0, HEAD_BYTES).arrayBuffer());
  return statedSize(head) ?? (await foundSize(url));
}

function foundSize(url: string): Promise<Size | null> {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => {
      resolve(image.naturalWidth ? { width: image.naturalWidth, height: image.naturalHeight } : null);
    };
    image.onerror = () => {
      resolve(null);
    };
    image.src = url;
  });
}
