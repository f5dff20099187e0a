// A guess at the exposure that `auto` will choose, from a thumbnail: after `model/impression.py`'s anchor and lamps.
import shared from "@model/tone.json";
import { LARGEST_RATIO } from "../photo/exposure";
import { decode } from "./curves";

const ROOM_LIGHT = 0.17; // linear light of a room's middle
const STEP = decode(1 / 255);
const NOTHING = 1.6 * STEP; // up to here there is nothing to see
const FEWEST = 0.02; // the share of cells that must hold something
const ROOM_STOPS = 4.0;
const LAMP_STOPS = 5.5;
const NIGHT_STOPS = -1.2;
const NIGHT_SHARE = 0.6;
const IDLE_STOPS = 0.35;
const SURE_STOPS = 1.2;

const LIGHT = Float64Array.from({ length: 256 }, (_, code) => decode(code / 255));

function smooth(share: number): number {
  const inside = Math.min(Math.max(share, 0), 1);
  return inside * inside * (3 - 2 * inside);
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))] ?? 0;
}

/** RGBA codes of a thumbnail → exposure ratio 1…300; 1 for a photo that is bright already, and for a black one. */
export function estimatedRatio(rgba: Uint8ClampedArray): number {
  const [red = 0, green = 0, blue = 0] = shared.luma;
  const luminance = new Float64Array(rgba.length / 4);
  for (let at = 0; at < luminance.length; at += 1) {
    const [r = 0, g = 0, b = 0] = rgba.subarray(4 * at, 4 * at + 3);
    luminance[at] = red * (LIGHT[r] ?? 0) + green * (LIGHT[g] ?? 0) + blue * (LIGHT[b] ?? 0);
  }
  luminance.sort();
  const floor = Math.min(NOTHING, quantile(luminance, 1 - FEWEST));
  const lit = luminance.filter((light) => light > floor);
  if (lit.length === 0) return 1;
  const middle = (lit.reduce((sum, light) => sum + light ** (1 / 2.4), 0) / lit.length) ** 2.4;
  let stops = Math.log2(ROOM_LIGHT / middle);
  const lamps = smooth((Math.log2(quantile(lit, 0.995) / quantile(lit, 0.5)) - ROOM_STOPS) / (LAMP_STOPS - ROOM_STOPS));
  stops += NIGHT_SHARE * lamps * NIGHT_STOPS;
  const sure = smooth((stops - IDLE_STOPS) / (SURE_STOPS - IDLE_STOPS));
  return Math.min(Math.max(2 ** (stops * sure), 1), LARGEST_RATIO);
}
