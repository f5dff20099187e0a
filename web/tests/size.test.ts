// How large a photo is and whether it moves, by its header alone; and what is refused for it before any upload.
import { expect, test } from "vitest";
import { judged } from "../src/photo/judging";
import { jpegTurn } from "../src/photo/jpeg";
import { isAnimated, statedSize } from "../src/photo/size";

function letters(text: string): number[] {
  return Array.from(text, (letter) => letter.charCodeAt(0));
}

function big(value: number): number[] {
  return [value >> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
}

function exif(turn: number, little: boolean): number[] {
  const short = (value: number): number[] => (little ? [value, 0] : [0, value]);
  const long = (value: number): number[] => (little ? [value, 0, 0, 0] : [0, 0, 0, value]);
  const entry = [...(little ? [0x12, 0x01] : [0x01, 0x12]), ...short(3), ...long(1), ...short(turn), 0, 0];
  const tiff = [...letters(little ? "II" : "MM"), ...short(42), ...long(8), ...short(1), ...entry, ...long(0)];
  return [0xff, 0xe1, 0, 8 + tiff.length, ...letters("Exif\0\0"), ...tiff];
}

function jpeg(width: number, height: number, before: number[] = []): Uint8Array {
  const frame = [0xff, 0xc0, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3, ...Array<number>(9).fill(1)];
  return Uint8Array.from([0xff, 0xd8, ...before, ...frame, 0xff, 0xda, 0, 4, 0, 0]);
}

function png(width: number, height: number, ...chunks: number[][]): Uint8Array {
  return Uint8Array.from([...letters("\x89PNG\r\n\x1a\n"), ...big(13), ...letters("IHDR"), ...big(width), ...big(height), 8, 2, 0, 0, 0, ...big(0), ...chunks.flat()]);
}

const IDAT = [...big(4), ...letters("IDAT"), ...big(0), ...big(0)];
const ACTL = (frames: number): number[] => [...big(8), ...letters("acTL"), ...big(frames), ...big(0), ...big(0)];

function webp(form: string, rest: number[]): Uint8Array {
  return Uint8Array.from([...letters("RIFF"), 0, 0, 0, 0, ...letters("WEBP"), ...letters(form), 10, 0, 0, 0, ...rest, ...Array<number>(12).fill(0)]);
}

test.each([true, false])("a JPEG on its side is as wide as it is high (little-endian EXIF: %s)", (little) => {
  expect(statedSize(jpeg(4000, 3000))).toEqual({ width: 4000, height: 3000 });
  for (const turn of [1, 2, 3, 4]) expect(statedSize(jpeg(4000, 3000, exif(turn, little)))).toEqual({ width: 4000, height: 3000 });
  for (const turn of [5, 6, 7, 8]) expect(statedSize(jpeg(4000, 3000, exif(turn, little)))).toEqual({ width: 3000, height: 4000 });
});

test("an orientation that is none, and EXIF cut off anywhere, turn nothing", () => {
  expect(jpegTurn(jpeg(40, 30, exif(9, true)))).toBe(1);
  const whole = jpeg(40, 30, exif(6, true));
  for (let length = 0; length < 34; length += 1) expect(jpegTurn(whole.subarray(0, length))).toBe(1);
});

test("PNG and the three forms of WebP tell their size", () => {
  expect(statedSize(png(70_000, 3))).toEqual({ width: 70_000, height: 3 });
  expect(statedSize(webp("VP8 ", [0, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0xe0, 1]))).toEqual({ width: 640, height: 480 });
  expect(statedSize(webp("VP8L", [0x2f, 0x7f, 0xc2, 0x77, 0]))).toEqual({ width: 640, height: 480 });
  expect(statedSize(webp("VP8X", [0, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]))).toEqual({ width: 640, height: 480 });
});

test("a WebP that EXIF may turn is left to the browser", () => {
  expect(statedSize(webp("VP8X", [0x08, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]))).toBeNull();
});

test("what moves is known by its header, what has one frame does not move", () => {
  expect(isAnimated(webp("VP8X", [0x02, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]))).toBe(true);
  expect(isAnimated(webp("VP8X", [0x10, 0, 0, 0, 0x7f, 2, 0, 0xdf, 1, 0]))).toBe(false);
  expect(isAnimated(png(10, 10, ACTL(3), IDAT))).toBe(true);
  expect(isAnimated(png(10, 10, ACTL(1), IDAT))).toBe(false);
  expect(isAnimated(png(10, 10, IDAT, ACTL(3)))).toBe(false);
  expect(isAnimated(jpeg(10, 10))).toBe(false);
});

test.each([
  ["side_too_long", png(20_001, 16)],
  ["too_small", jpeg(1, 20_000)],
  ["too_many_pixels", jpeg(20_000, 10_000)],
  ["animated", png(10, 10, ACTL(2), IDAT)],
])("%s is a reason before any upload", async (reason, bytes) => {
  expect(await judged(new Blob([bytes.slice()]), 1000)).toEqual({ reason });
});

test("what the limits just allow is taken", async () => {
  expect(await judged(new Blob([jpeg(20_000, 3_200).slice()]), 1000)).toEqual({ kind: "jpeg" });
  expect(await judged(new Blob([png(16, 16).slice()]), 1000)).toEqual({ kind: "png" });
});
