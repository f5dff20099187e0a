// The preview must expose as the model does: scenes and findings are the Python tests' own.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { UPRIGHT, type Packed } from "../src/preview/frame";
import { STEP, thumbnail } from "../src/preview/glance";
import { wantedLook, wantedRatio } from "../src/preview/head";
import { impression } from "../src/preview/impression";
import { arraysOf } from "../src/preview/weights";

interface Scene {
  width: number;
  height: number;
  level: [number, number, number];
  noise: number;
  tile: number;
  lamps: number;
  seed: number;
}

interface Golden {
  scene: Scene;
  sum: number;
  numbers: number[];
  ratio: number;
  looks: { ratio: number; contrast: number; blend: number[][] | null; lift: number[] }[];
}

const PRIME = 2_147_483_647;
const here = (path: string): URL => new URL(`../../${path}`, import.meta.url);
const GOLDEN = JSON.parse(readFileSync(here("tests/model/exposure_golden.json"), "utf8")) as Golden[];
const file = readFileSync(here("model/weights/exposure.safetensors"));
const arrays = arraysOf(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));

/** The twin of `tests/model/scenes.py`. */
function made({ width, height, level, noise, tile, lamps, seed }: Scene): Packed {
  const codes = new Uint8ClampedArray(4 * width * height);
  const floor = Math.floor;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1) {
        const place = (seed * 7919 + y * 104_729 + x * 1_299_721 + c * 15_485_863) % PRIME;
        const noisy = (((place * 48_271) % PRIME) % (2 * noise + 1)) - noise;
        const slope = floor(((level[c] ?? 0) * (8 + floor((8 * y) / height))) / 12);
        const tiles = floor((((floor(x / 9) + 2 * floor(y / 7)) % 5) - 1) * tile * (c + 2) / 3);
        const isLamp = lamps > 0 && floor(x / 6) % 9 === 4 && floor(y / 6) % 8 === 2;
        codes[4 * (y * width + x) + c] = isLamp ? 255 - 20 * c : slope + tiles + noisy;
      }
    }
  }
  return { codes, stride: 4 * width, red: 0, width, height, turn: UPRIGHT };
}

test.each(GOLDEN)("scene $scene.seed asks the page for the exposure that it asks of the model", ({ scene, sum, numbers, ratio, looks }) => {
  const frame = made(scene);
  expect(Array.from(frame.codes).reduce((all, code) => all + code, 0)).toBe(sum);
  const seen = impression(thumbnail(frame), STEP);
  expect(seen.numbers).toHaveLength(numbers.length);
  numbers.forEach((number, at) => { expect(seen.numbers[at], `number ${at}`).toBeCloseTo(number, 6); });
  expect(Math.log2(wantedRatio(seen, arrays))).toBeCloseTo(Math.log2(ratio), 5);
  for (const wanted of looks) {
    const look = wantedLook(seen, wanted.ratio, arrays);
    expect(look.contrast).toBeCloseTo(wanted.contrast, 6);
    wanted.lift.forEach((lift, channel) => { expect(look.lift[channel]).toBeCloseTo(lift, 9); });
    expect(look.blend === null).toBe(wanted.blend === null);
    wanted.blend?.flat().forEach((share, at) => { expect(look.blend?.flat()[at]).toBeCloseTo(share, 6); });
  }
});

test("weights of another kind are no weights", () => {
  const header = new TextEncoder().encode(JSON.stringify({ mean: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }));
  const made = new Uint8Array(8 + header.length + 4);
  new DataView(made.buffer).setBigUint64(0, BigInt(header.length), true);
  made.set(header, 8);
  expect(() => arraysOf(made.buffer)).toThrow("mean is F32");
});

test("half floats of every kind are read", () => {
  const header = new TextEncoder().encode(JSON.stringify({ all: { dtype: "F16", shape: [6], data_offsets: [0, 12] } }));
  const made = new Uint8Array(8 + header.length + 12);
  const view = new DataView(made.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  made.set(header, 8);
  [0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00, 0x8000].forEach((bits, at) => { view.setUint16(8 + header.length + 2 * at, bits, true); });
  const [one, minusTwo, third, least, infinite, zero] = arraysOf(made.buffer).get("all") ?? [];
  expect([one, minusTwo, infinite]).toEqual([1, -2, Infinity]);
  expect(third).toBeCloseTo(1 / 3, 3);
  expect(least).toBe(2 ** -24);
  expect(zero).toBe(-0);
});
