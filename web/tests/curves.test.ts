// The preview and the model must develop a photo alike: the golden codes are the Python tests' own.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Development, decode, encode, type Look } from "../src/preview/curves";

interface Golden extends Look {
  ratio: number;
  codes: number[][];
  result: number[][];
}

const GOLDEN = JSON.parse(readFileSync(new URL("../../tests/model/tone_golden.json", import.meta.url), "utf8")) as Golden[];

test.each(GOLDEN)("codes at ratio $ratio and contrast $contrast are the model's", (golden) => {
  const development = new Development(golden.ratio, golden);
  expect(golden.codes.map((pixel) => development.pixel(pixel))).toEqual(golden.result);
});

test.each(GOLDEN.filter((golden) => golden.blend === null))("the table at ratio $ratio holds the same codes", (golden) => {
  const table = new Development(golden.ratio, golden).codes();
  expect(golden.codes.map((pixel) => pixel.map((code, channel) => table[256 * channel + code]))).toEqual(golden.result);
});

test("there are golden codes with and without a blend", () => {
  expect(new Set(GOLDEN.map((golden) => golden.blend === null)).size).toBe(2);
});

test("light encoded and decoded is the same light", () => {
  for (const light of [-0.5, 0, 0.001, 0.0031308, 0.18, 1, 47]) expect(decode(encode(light))).toBeCloseTo(light, 9);
});
