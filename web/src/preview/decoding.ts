// A photo's bytes → its codes: by the browser's own image decoder where there is one, else by a bitmap and a canvas.
import { kindOf, type Kind } from "../photo/kinds";
import { UPRIGHT, type Frame, type Plane, type Turn } from "./frame";

const TYPES: Partial<Record<Kind, string>> = { jpeg: "image/jpeg", png: "image/png", webp: "image/webp", avif: "image/avif" };
const LONGEST_BITMAP = 2400; // pixels of a canvas's longer side; phones refuse large ones
const HEAD_BYTES = 128;

/** Throws what this browser cannot decode. */
export async function decoded(photo: Blob): Promise<Frame> {
  return (await byDecoder(photo)) ?? (await byBitmap(photo));
}

/** Null where the decoder is missing, does not take this photo, or gives colours that only a canvas converts. */
async function byDecoder(photo: Blob): Promise<Frame | null> {
  if (typeof ImageDecoder === "undefined") return null;
  const bytes = await photo.arrayBuffer();
  const { kind } = kindOf(new Uint8Array(bytes, 0, Math.min(HEAD_BYTES, bytes.byteLength)));
  const type = kind && TYPES[kind];
  if (!type) return null;
  const decoder = new ImageDecoder({ type, data: bytes });
  try {
    const { image } = await decoder.decode();
    try {
      return await copied(image);
    } finally {
      image.close();
    }
  } catch (fact) {
    if (fact instanceof DOMException) return null; // the other way may still know it, and else says so
    throw fact;
  } finally {
    decoder.close();
  }
}

async function copied(image: VideoFrame): Promise<Frame | null> {
  const turn = turnOf(image);
  const { format, colorSpace, codedWidth: width, codedHeight: height } = image;
  if (!turn || !format || colorSpace.primaries !== "bt709" || colorSpace.transfer !== "iec61966-2-1") return null;
  const codes = new Uint8Array(image.allocationSize());
  if (/^(RGB|BGR)[AX]$/.test(format)) {
    const [place] = await image.copyTo(codes);
    return place ? { codes: codes.subarray(place.offset), stride: place.stride, red: format.startsWith("R") ? 0 : 2, width, height, turn } : null;
  }
  if (!["I420", "I422", "I444"].includes(format) || colorSpace.matrix !== "smpte170m") return null;
  const places = await image.copyTo(codes);
  const [luma, u, v] = places.map(({ offset, stride }, at): Plane => ({ codes: codes.subarray(offset, places[at + 1]?.offset), stride }));
  if (!luma || !u || !v) return null;
  return { planes: [luma, u, v], halved: { columns: format !== "I444", rows: format === "I420" }, full: colorSpace.fullRange !== false, width, height, turn };
}

/** Null in browsers that do not tell it. */
function turnOf({ rotation, flip }: VideoFrame & { rotation?: number; flip?: boolean }): Turn | null {
  return rotation === 0 || rotation === 90 || rotation === 180 || rotation === 270 ? { rotation, flip: flip === true } : null;
}

async function byBitmap(photo: Blob): Promise<Frame> {
  const bitmap = await createImageBitmap(photo);
  const scale = Math.min(1, LONGEST_BITMAP / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { codes: data, stride: 4 * width, red: 0, width, height, turn: UPRIGHT };
}
