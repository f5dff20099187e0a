// What a JPEG's header states: its size, and how it has to be turned.

const FRAMES = [0xc0, 0xc1, 0xc2]; // baseline, extended, progressive: what a browser decodes; 0xc3 is a raw's lossless one
const OTHER_FRAMES = [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
const EXIF = 0xe1;
const ORIENTATION = 0x0112;
const MOST_ENTRIES = 200;

interface Segment {
  marker: number;
  /** Where its contents begin, after its length. */
  at: number;
}

/** The segments before the picture's own data, as far as the bytes go. */
function* segments(head: Uint8Array): Generator<Segment> {
  if (head[0] !== 0xff || head[1] !== 0xd8) return;
  let at = 2;
  while (at + 9 < head.length && head[at] === 0xff) {
    const marker = head[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0xda) return;
    yield { marker, at: at + 4 };
    at += 2 + ((head[at + 2] ?? 0) << 8) + (head[at + 3] ?? 0);
  }
}

/** Width and height as stored of a JPEG that browsers can show, from its first bytes; null for anything else. Pure. */
export function jpegSize(head: Uint8Array): { width: number; height: number } | null {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (const { marker, at } of segments(head)) {
    if (OTHER_FRAMES.includes(marker)) return null;
    if (!FRAMES.includes(marker)) continue;
    const height = view.getUint16(at + 1);
    const width = view.getUint16(at + 3);
    return width && height ? { width, height } : null;
  }
  return null;
}

/** EXIF's orientation 1…8; 1 where nothing is said. Pure; never throws. */
export function jpegTurn(head: Uint8Array): number {
  for (const { marker, at } of segments(head)) {
    if (marker !== EXIF || String.fromCharCode(...head.subarray(at, at + 6)) !== "Exif\0\0") continue;
    const tiff = new DataView(head.buffer, head.byteOffset + at + 6, head.length - at - 6);
    return orientationIn(tiff);
  }
  return 1;
}

function orientationIn(tiff: DataView): number {
  if (tiff.byteLength < 10) return 1;
  const little = tiff.getUint16(0) === 0x4949;
  const first = tiff.getUint32(4, little);
  if (first + 2 > tiff.byteLength) return 1;
  const count = Math.min(tiff.getUint16(first, little), MOST_ENTRIES);
  for (let entry = first + 2; entry < first + 2 + 12 * count && entry + 12 <= tiff.byteLength; entry += 12) {
    if (tiff.getUint16(entry, little) !== ORIENTATION) continue;
    const turn = tiff.getUint16(entry + 8, little);
    return turn >= 1 && turn <= 8 ? turn : 1;
  }
  return 1;
}
