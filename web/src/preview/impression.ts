// What a thumbnail tells about exposure, contrast and colour: the twin of model/impression.py, number by number.
import shared from "@model/tone.json";
import { encode } from "./curves";
import { clipped, meanOf, quantile, smooth, sorted } from "./statistics";

const [RED = 0, GREEN = 0, BLUE = 0] = shared.luma;
const ROOM_LIGHT = 0.17; // linear light of a room's middle
const BRIGHTEST_ANCHOR = 4096;
const ROOM_STOPS = 4;
const LAMP_STOPS = 5.5;
const QUANTILES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.995];
const STEPS_OF_NOTHING = 1.6;
const UNSHARED = 0.4;
const SHARED = 0.9;
const DEAD = 0.2;
const COOL = 0.2;
const COLOURED = 0.01;
const FEWEST = 0.02;
const GREY_BELOW = 0.06;
const CLIPPED_ABOVE = 1.05;

/** Linear light of a photo's cells, R, G, B one after the other, row by row. */
export interface Thumbnail {
  width: number;
  height: number;
  light: Float64Array;
}

/** As `model.impression.Impression`, where each field is told. */
export interface Impression {
  lit: number;
  anchor: number;
  lamps: number;
  numbers: Float64Array;
  casts: readonly [Colour, Colour];
  lost: number;
  coloured: number;
}

export type Colour = readonly [number, number, number];

/** The impression of a thumbnail whose codes are `step` of linear light apart at black. A black one gives finite numbers. */
export function impression({ width, height, light }: Thumbnail, step: number): Impression {
  const luminance = lumaOf(light).map((value) => Math.max(value, 0));
  const inOrder = sorted(luminance);
  const floor = Math.min(STEPS_OF_NOTHING * step, quantile(inOrder, 1 - FEWEST));
  const lit = inOrder.filter((value) => value > floor);
  const middle = lit.length ? meanOf(lit.map((value) => value ** (1 / 2.4))) ** 2.4 : ROOM_LIGHT;
  const anchor = Math.min(ROOM_LIGHT / Math.max(middle, 1e-9), BRIGHTEST_ANCHOR);
  const seen = light.map((value) => clipped(encode(anchor * value), 0, 2));
  const luma = lumaOf(seen);
  const gained = (lit.length ? lit : inOrder).map((value) => encode(anchor * value)); // still in order
  const { casts, shared } = colourCast(seen, luma);
  const share = lit.length / luminance.length;
  const numbers = [
    ...QUANTILES.map((each) => Math.log2(clipped(quantile(gained, each), 0, 4) + 0.02)),
    Math.log2(anchor) / 4,
    Math.log2(clipped(anchor * step, 1e-4, 1)) / 4,
    0, // not a sensor's linear codes
    share,
    ...[0, 1, 2].map((channel) => shareOf(light, channel, 3, (value) => value < STEPS_OF_NOTHING * step)),
    shareOf(luminance, 0, 1, (value) => value > 0.7),
    inOrder.at(-1) ?? 0,
    ...colours(seen, luma),
    ...layout(luma, width, height),
    casts[0][0],
    casts[0][2],
    casts[1][0],
    casts[1][2],
    shared,
    ...shadows(light, luminance, step),
  ];
  const belief = believed(casts[0], shared);
  const black = deadShare(light, 0.2 * step);
  return {
    lit: share,
    anchor,
    lamps: lamps(lit),
    numbers: Float64Array.from(numbers),
    casts: [scaled(casts[0], belief), scaled(casts[1], belief)],
    lost: step * (1 - smooth(black / DEAD)),
    coloured: Math.min(1, meanOf(seen.map((value, at) => Math.abs(value - (luma[Math.floor(at / 3)] ?? 0)))) / COLOURED),
  };
}

function lumaOf(colours: Float64Array): Float64Array {
  return Float64Array.from(
    { length: colours.length / 3 },
    (_, at) => RED * (colours[3 * at] ?? 0) + GREEN * (colours[3 * at + 1] ?? 0) + BLUE * (colours[3 * at + 2] ?? 0),
  );
}

function shareOf(values: Float64Array, first: number, every: number, counts: (value: number) => boolean): number {
  let found = 0;
  for (let at = first; at < values.length; at += every) if (counts(values[at] ?? 0)) found += 1;
  return (found * every) / values.length;
}

function largest(colours: Float64Array, at: number): number {
  return Math.max(colours[at] ?? 0, colours[at + 1] ?? 0, colours[at + 2] ?? 0);
}

function deadShare(light: Float64Array, below: number): number {
  let dead = 0;
  for (let at = 0; at < light.length; at += 3) if (largest(light, at) < below) dead += 1;
  return (3 * dead) / light.length;
}

/** Of the luminance of lit cells, in order. */
function lamps(lit: Float64Array): number {
  if (lit.length === 0) return 0;
  return smooth((Math.log2(quantile(lit, 0.995) / quantile(lit, 0.5)) - ROOM_STOPS) / (LAMP_STOPS - ROOM_STOPS));
}

function shadows(light: Float64Array, luminance: Float64Array, step: number): number[] {
  const steps = light.map((value) => Math.max(value, 0) / step);
  const order = Array.from(luminance.keys()).sort((one, other) => (luminance[one] ?? 0) - (luminance[other] ?? 0));
  const found: number[] = [];
  for (const share of [0.1, 0.25, 0.5]) {
    const darkest = order.slice(0, Math.max(1, Math.floor(share * order.length)));
    for (const channel of [0, 1, 2]) {
      found.push(Math.log2(0.25 + darkest.reduce((sum, at) => sum + (steps[3 * at + channel] ?? 0), 0) / darkest.length));
    }
  }
  const weights = Float64Array.from(luminance, (_, at) => 1 / ((steps[3 * at + 1] ?? 0) + 2) ** 2);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  const weighed = (value: (at: number) => number): number => weights.reduce((sum, weight, at) => sum + weight * value(at), 0);
  const mean = [0, 1, 2].map((channel) => weighed((at) => steps[3 * at + channel] ?? 0) / whole);
  const apart = (at: number, channel: number): number => (steps[3 * at + channel] ?? 0) - (mean[channel] ?? 0);
  const spread = weighed((at) => apart(at, 1) ** 2) + 1e-6;
  for (const channel of [0, 2]) {
    const slope = weighed((at) => apart(at, 1) * apart(at, channel)) / spread;
    found.push(Math.asinh(2 * ((mean[channel] ?? 0) - slope * (mean[1] ?? 0))));
  }
  return found;
}

function believed(cast: Colour, shared: number): number {
  const cool = smooth((cast[2] - cast[0]) / COOL);
  return smooth((shared - UNSHARED) / (SHARED - UNSHARED)) * (1 - 0.75 * cool);
}

function colours(seen: Float64Array, luma: Float64Array): number[] {
  const found: number[] = [];
  for (const [low, high] of [[-1, 0.25], [0.25, 0.5], [0.5, 3]] as const) {
    for (const channel of [0, 2]) {
      let sum = 0;
      let size = 0;
      luma.forEach((value, at) => {
        if (value <= low || value > high) return;
        const apart = (seen[3 * at + channel] ?? 0) - value;
        sum += apart;
        size += Math.abs(apart);
      });
      found.push(sum / luma.length, size / luma.length);
    }
  }
  return found;
}

function layout(luma: Float64Array, width: number, height: number): number[] {
  const at = (row: number, column: number): number => luma[row * width + column] ?? 0;
  const mean = (top: number, bottom: number, left: number, right: number, value = at): number => {
    let sum = 0;
    for (let row = top; row < bottom; row += 1) for (let column = left; column < right; column += 1) sum += value(row, column);
    const count = (bottom - top) * (right - left);
    return count > 0 ? sum / count : 0;
  };
  const [quarterDown, quarterRight] = [Math.floor(height / 4), Math.floor(width / 4)];
  const middle = mean(quarterDown, height - quarterDown, quarterRight, width - quarterRight);
  const half = Math.floor(height / 2);
  const top = mean(0, Math.max(1, half), 0, width) - mean(half, height, 0, width);
  const down = mean(0, height - 1, 0, width, (row, column) => Math.abs(at(row + 1, column) - at(row, column)));
  const across = mean(0, height, 0, width - 1, (row, column) => Math.abs(at(row, column + 1) - at(row, column)));
  return [top, middle - meanOf(luma), (down + across) / 2];
}

function colourCast(seen: Float64Array, luma: Float64Array): { casts: [Colour, Colour]; shared: number } {
  const tells = Array.from(luma.keys()).filter(
    (at) => (luma[at] ?? 0) > GREY_BELOW && largest(seen, 3 * at) < CLIPPED_ABOVE,
  );
  if (tells.length < Math.floor(luma.length / 20) + 1) return { casts: [[0, 0, 0], [0, 0, 0]], shared: 0 };
  const cell = (at: number): Colour => [(seen[3 * at] ?? 0) + 0.01, (seen[3 * at + 1] ?? 0) + 0.01, (seen[3 * at + 2] ?? 0) + 0.01];
  const bright = quantile(sorted(Float64Array.from(tells, (at) => luma[at] ?? 0)), 0.75);
  const casts: [Colour, Colour] = [
    centred(logOfMean(tells.map(cell))),
    centred(logOfMean(tells.filter((at) => (luma[at] ?? 0) >= bright).map(cell))),
  ];
  const size = dot(casts[0], casts[0]);
  if (size < 1e-8) return { casts, shared: 0 };
  const each = tells.map((at) => dot(centred(logarithms(cell(at))), casts[0]) / size);
  return { casts, shared: clipped(quantile(sorted(Float64Array.from(each)), 0.15), 0, 1) };
}

function logOfMean(cells: readonly Colour[]): Colour {
  const mean = (channel: 0 | 1 | 2): number => cells.reduce((sum, cell) => sum + cell[channel], 0) / cells.length;
  return logarithms([mean(0), mean(1), mean(2)]);
}

function logarithms([red, green, blue]: Colour): Colour {
  return [Math.log(red), Math.log(green), Math.log(blue)];
}

function centred(colour: Colour): Colour {
  const mean = (colour[0] + colour[1] + colour[2]) / 3;
  return [colour[0] - mean, colour[1] - mean, colour[2] - mean];
}

function scaled([red, green, blue]: Colour, by: number): Colour {
  return [red * by, green * by, blue * by];
}

function dot(one: Colour, other: Colour): number {
  return one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
}
