// The exposure head: what ratio, contrast and colour a photo asks for. The twin of model/exposure_head.py, with its weights.
import shared from "@model/tone.json";
import { LARGEST_RATIO } from "../photo/exposure";
import { PLAIN, type Look } from "./curves";
import type { Impression } from "./impression";
import { clipped, smooth } from "./statistics";
import type { Arrays } from "./weights";

const IDLE_STOPS = 0.35;
const SURE_STOPS = 1.2;
const NIGHT_STOPS = -1.2;
const NIGHT_SHARE = 0.6;
const FULL_STOPS = 2;
const CONTRAST = 0.5;
const SATURATION = 0.6;
const REPAIR = 0.8;
const LARGEST_GAIN = 0.25;
const LIFT = 2;
const FAR = 3.5;

/** The ratio for `auto`, 1…300; exactly 1 for a photo that is bright already, and for a black one. */
export function wantedRatio(seen: Impression, arrays: Arrays): number {
  if (seen.lit === 0) return 1;
  const anchor = Math.log2(seen.anchor);
  const said = anchor + (layers(standard(seen, arrays), arrays, "exposure")[0] ?? 0);
  const stops = Math.min(said, said + NIGHT_SHARE * seen.lamps * (anchor + NIGHT_STOPS - said));
  return clipped(2 ** (stops * smooth((stops - IDLE_STOPS) / (SURE_STOPS - IDLE_STOPS))), 1, LARGEST_RATIO);
}

/** Contrast and colour for a photo gained by `ratio`: smooth in it, and nothing at 1. */
export function wantedLook(seen: Impression, ratio: number, arrays: Arrays): Look {
  const stops = Math.log2(ratio);
  if (stops <= 0) return PLAIN;
  const numbers = [...standard(seen, arrays), stops / 4, clipped(stops - Math.log2(seen.anchor), -3, 3)];
  const share = smooth(stops / FULL_STOPS);
  const [contrast = 0, saturation = 0, whole = 0, bright = 0, ...lifts] = layers(numbers, arrays, "look").map((value) => Math.tanh(value) * share);
  const gains = [0, 1, 2].map((channel) => -REPAIR * (whole * (seen.casts[0][channel] ?? 0) + bright * (seen.casts[1][channel] ?? 0)));
  const lift = lifts.map((value) => LIFT * seen.lost * value);
  const mean = lift.reduce((sum, value) => sum + value, 0) / 3;
  const [red = 0, green = 0, blue = 0] = lift.map((value) => mean + seen.coloured * (value - mean));
  return {
    contrast: Math.exp(CONTRAST * contrast * (1 - NIGHT_SHARE * seen.lamps)),
    blend: blend(Math.exp(SATURATION * saturation), gains),
    lift: [red, green, blue],
  };
}

function standard(seen: Impression, arrays: Arrays): number[] {
  const [mean, deviation] = [arrays.get("mean"), arrays.get("deviation")];
  return Array.from(seen.numbers, (value, at) => clipped((value - (mean?.[at] ?? 0)) / (deviation?.[at] ?? 1), -FAR, FAR));
}

function layers(numbers: readonly number[], arrays: Arrays, name: "exposure" | "look"): number[] {
  let seen = numbers;
  for (const layer of ["first", "second", "last"] as const) {
    const weight = arrays.get(`${name}.${layer}.weight`) ?? new Float32Array();
    const bias = arrays.get(`${name}.${layer}.bias`) ?? new Float32Array();
    const sums = Array.from(bias, (start, row) => seen.reduce((sum, value, at) => sum + value * (weight[row * seen.length + at] ?? 0), start));
    seen = layer === "last" ? sums : sums.map(Math.tanh);
  }
  return [...seen];
}

/** [3][3] for encoded colours: channels gained by exp(gains), grey keeping its luma, then saturated around luma. */
function blend(saturation: number, gains: readonly number[]): number[][] {
  const gained = gains.map((gain) => Math.exp(LARGEST_GAIN * Math.tanh(gain / LARGEST_GAIN)));
  const grey = gained.reduce((sum, gain, at) => sum + gain * (shared.luma[at] ?? 0), 0);
  return [0, 1, 2].map((row) =>
    shared.luma.map((luma, column) => Math.fround((luma + saturation * ((row === column ? 1 : 0) - luma)) * ((gained[column] ?? 1) / grey))),
  );
}
