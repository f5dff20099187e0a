// Stops and ratios: one and the same exposure in two words.
import { expect, test } from "vitest";
import { ratioOf, STOPS, stopsOf } from "../src/photo/exposure";
import { sourceRatio } from "../src/preview/usePreview";

test("the slider's ends are the API's", () => {
  expect(ratioOf(STOPS.least)).toBe(1);
  expect(ratioOf(STOPS.most)).toBeCloseTo(294.1, 0);
  expect(stopsOf(300)).toBe(STOPS.most);
});

test("every step of the slider survives the way there and back", () => {
  for (let step = 0; step <= 82; step += 1) expect(stopsOf(ratioOf(step / 10))).toBe(step / 10);
});

test("no ratio leaves the API's bounds", () => {
  expect(ratioOf(20)).toBe(300);
  expect(ratioOf(-3)).toBe(1);
  expect(stopsOf(0.2)).toBe(0);
});

test("a ratio is written as a plain number", () => {
  for (let step = 0; step <= 82; step += 1) expect(String(ratioOf(step / 10))).toMatch(/^\d{1,3}(\.\d{1,9})?$/);
});

test("a raw's exposure is carried over to what the camera made of it, once both are known", () => {
  const camera = { blob: new Blob([]), width: 3, height: 2, byCamera: true };
  expect(sourceRatio(camera, 16, 4, 8)).toBe(8);
  expect(sourceRatio(camera, 1.5, 4, 8)).toBe(1);
  expect(sourceRatio(camera, 16, 4, null)).toBe(16);
  expect(sourceRatio(camera, null, 4, 8)).toBeNull();
  expect(sourceRatio({ ...camera, byCamera: false }, 16, 4, 8)).toBe(16);
});
