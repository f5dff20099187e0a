// The JPEG that a camera put into its raw file, found without decoding anything: by TIFF's directories, else by looking.
//
//   TIFF (CR2, NEF, ARW, DNG, PEF, ORF, RW2) ─ directories ─▶ offsets and lengths ┐
//   RAF ─ its header ──────────────────────────────────────▶ offset and length  ├─▶ the largest that is a plain JPEG
//   CR3, CRW and what else there is ─ search the first bytes ▶ offsets            ┘

import { jpegSize } from "./jpeg";

/** The embedded picture, and how it has to be turned (EXIF orientation 1…8, by the raw's own tags). */
export interface Embedded {
  jpeg: Blob;
  width: number;
  height: number;
  orientation: number;
}

interface Place {
  offset: number;
  length: number;
}

const MOST_DIRECTORIES = 24;
const MOST_ENTRIES = 400;
const HEAD_BYTES = 65_536;
const SEARCHED_BYTES = 12 << 20;
const MOST_FOUND = 40;
const TAG = {
  compression: 0x0103,
  stripOffsets: 0x0111,
  orientation: 0x0112,
  stripByteCounts: 0x0117,
  subDirectories: 0x014a,
  jpegOffset: 0x0201,
  jpegLength: 0x0202,
  jpgFromRaw: 0x002e, // RW2
} as const;
const SIZES: Partial<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 7: 1, 13: 4 };

/** The largest plain JPEG inside a raw file, or null. Never throws for a damaged file; reads what it needs only. */
export async function embeddedJpeg(raw: Blob): Promise<Embedded | null> {
  const head = await bytes(raw, 0, 128);
  let orientation = 1;
  let places: Place[] = [];
  if (head.byteLength >= 92 && ascii(head, 0, 8) === "FUJIFILM") {
    places = [{ offset: head.getUint32(84), length: head.getUint32(88) }];
  } else if (head.byteLength >= 8 && ["II", "MM"].includes(ascii(head, 0, 2)) && ascii(head, 6, 4) !== "HEAP") {
    ({ places, orientation } = await byDirectories(raw, head));
  }
  return (await largest(raw, places, orientation)) ?? (await largest(raw, await bySearch(raw), orientation));
}

async function bytes(raw: Blob, offset: number, length: number): Promise<DataView> {
  return new DataView(await raw.slice(offset, offset + length).arrayBuffer());
}

function ascii(view: DataView, offset: number, length: number): string {
  return Array.from({ length: Math.max(0, Math.min(length, view.byteLength - offset)) }, (_, at) =>
    String.fromCharCode(view.getUint8(offset + at)),
  ).join("");
}

async function byDirectories(raw: Blob, head: DataView): Promise<{ places: Place[]; orientation: number }> {
  const little = ascii(head, 0, 2) === "II";
  const places: Place[] = [];
  const seen = new Set<number>();
  const todo = [head.getUint32(4, little)];
  let orientation = 1;
  for (let offset = todo.shift(); offset !== undefined && seen.size < MOST_DIRECTORIES; offset = todo.shift()) {
    if (offset < 8 || offset >= raw.size || seen.has(offset)) continue;
    seen.add(offset);
    const count = (await bytes(raw, offset, 2)).byteLength === 2 ? (await bytes(raw, offset, 2)).getUint16(0, little) : 0;
    if (count === 0 || count > MOST_ENTRIES) continue;
    const table = await bytes(raw, offset + 2, 12 * count + 4);
    const tags = new Map<number, number[]>();
    for (let at = 0; at + 12 <= table.byteLength && at < 12 * count; at += 12) {
      const tag = table.getUint16(at, little);
      if ((Object.values(TAG) as number[]).includes(tag)) tags.set(tag, await values(raw, table, at, little));
      if (tag === TAG.jpgFromRaw) places.push({ offset: table.getUint32(at + 8, little), length: table.getUint32(at + 4, little) });
    }
    if (seen.size === 1) orientation = tags.get(TAG.orientation)?.[0] ?? 1;
    places.push(...pictures(tags));
    todo.push(...(tags.get(TAG.subDirectories) ?? []));
    if (table.byteLength === 12 * count + 4) todo.push(table.getUint32(12 * count, little));
  }
  return { places, orientation: orientation >= 1 && orientation <= 8 ? orientation : 1 };
}

async function values(raw: Blob, table: DataView, at: number, little: boolean): Promise<number[]> {
  const type = table.getUint16(at + 2, little);
  const count = Math.min(table.getUint32(at + 4, little), 64);
  const size = SIZES[type] ?? 0;
  if (size === 0 || type === 7) return [];
  const outside = size * count > 4;
  const view = outside ? await bytes(raw, table.getUint32(at + 8, little), size * count) : table;
  const start = outside ? 0 : at + 8;
  return Array.from({ length: Math.min(count, Math.floor((view.byteLength - start) / size)) }, (_, index) => {
    const place = start + index * size;
    return size === 4 ? view.getUint32(place, little) : size === 2 ? view.getUint16(place, little) : view.getUint8(place);
  });
}

function pictures(tags: Map<number, number[]>): Place[] {
  const places: Place[] = [];
  const pairs = [
    [TAG.jpegOffset, TAG.jpegLength],
    [TAG.stripOffsets, TAG.stripByteCounts],
  ] as const;
  for (const [offsets, lengths] of pairs) {
    const [offset, ...more] = tags.get(offsets) ?? [];
    const [length] = tags.get(lengths) ?? [];
    if (offset !== undefined && length !== undefined && more.length === 0) places.push({ offset, length });
  }
  return places;
}

/** Places where a JPEG begins, within the first megabytes, and some JPEG ends after it; decoders do not mind what follows. */
async function bySearch(raw: Blob): Promise<Place[]> {
  const searched = new Uint8Array(await raw.slice(0, SEARCHED_BYTES).arrayBuffer());
  const lastEnd = raw.size > SEARCHED_BYTES ? SEARCHED_BYTES : lastEndIn(searched);
  const places: Place[] = [];
  for (let at = searched.indexOf(0xff); at >= 0 && at < lastEnd && places.length < MOST_FOUND; at = searched.indexOf(0xff, at + 1)) {
    if (searched[at + 1] === 0xd8 && searched[at + 2] === 0xff) places.push({ offset: at, length: Math.min(SEARCHED_BYTES, raw.size - at) });
  }
  return places;
}

function lastEndIn(bytes: Uint8Array): number {
  let at = bytes.lastIndexOf(0xff, -2);
  while (at >= 0 && bytes[at + 1] !== 0xd9) at = at === 0 ? -1 : bytes.lastIndexOf(0xff, at - 1);
  return at;
}

async function largest(raw: Blob, places: Place[], orientation: number): Promise<Embedded | null> {
  let best: Embedded | null = null;
  for (const { offset, length } of places) {
    if (offset + length > raw.size) continue; // cut off
    const first = new Uint8Array(await raw.slice(offset, offset + Math.min(length, HEAD_BYTES)).arrayBuffer());
    const size = jpegSize(first);
    const head = String.fromCharCode(...first.subarray(0, 64));
    if (size && size.width * size.height > (best ? best.width * best.height : 0)) {
      const turnsItself = head.includes("Exif\0");
      best = { jpeg: raw.slice(offset, offset + length, "image/jpeg"), ...size, orientation: turnsItself ? 1 : orientation };
    }
  }
  return best;
}
