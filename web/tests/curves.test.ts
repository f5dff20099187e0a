// The preview and the model must develop a photo alike: the golden codes are the Python tests' own.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decode, Development, encode, FINE, type Look } from "../src/preview/curves";

interface Golden extends Look {
  ratio: number;
  codes: number[][];
  result: number[][];
}

const GOLDEN = JSON.parse(readFileSync(new URL("../../tests/model/tone_golden.json", import.meta.url), "utf8")) as Golden[];

test.each(GOLDEN)("codes at ratio $ratio and contrast $contrast are the model's", (golden) => {
  const codes = Uint16Array.from(golden.codes.flatMap((pixel) => [...pixel.map((code) => FINE * code), 0]));
  const result = new Uint8ClampedArray(codes.length);
  new Development(golden.ratio, golden).develop(codes, result);
  expect(golden.codes.map((_, at) => [...result.subarray(4 * at, 4 * at + 3)])).toEqual(golden.result);
});

test("there are golden codes with and without a blend", () => {
  expect(new Set(GOLDEN.map((golden) => golden.blend === null)).size).toBe(2);
});

test("light encoded and decoded is the same light", () => {
  for (const light of [-0.5, 0, 0.001, 0.0031308, 0.18, 1, 47]) expect(decode(encode(light))).toBeCloseTo(light, 9);
});
