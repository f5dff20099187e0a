// The model's own curves in the browser: gain in linear light, then its tone table. Mirrors model/light.py and model/tone.py.
import shared from "@model/tone.json";

const { transfer, tone } = shared;
const CODES = 256;

/** How a photo is developed beyond its gain, as in `exposure_head.Look`. */
export interface Look {
  contrast: number;
  /** Linear light added to R, G, B before the gain. */
  lift: readonly [number, number, number];
  /** Rows mix encoded colours; null is the identity. */
  blend: readonly (readonly number[])[] | null;
}

export const PLAIN: Look = { contrast: 1, lift: [0, 0, 0], blend: null };

/** Linear light (1 = white, any size) → encoded value; odd and strictly growing. */
export function encode(linear: number): number {
  const size = Math.abs(linear);
  const curve =
    size <= transfer.toe_linear ? transfer.toe_slope * size : transfer.scale * size ** (1 / transfer.power) - transfer.offset;
  return linear < 0 ? -curve : curve;
}

/** Encoded value → linear light; the inverse of `encode`. */
export function decode(encoded: number): number {
  const size = Math.abs(encoded);
  const light =
    size <= transfer.toe_encoded ? size / transfer.toe_slope : ((size + transfer.offset) / transfer.scale) ** transfer.power;
  return encoded < 0 ? -light : light;
}

function contrasted(value: number, contrast: number): number {
  const bottom = tone.toe ** contrast;
  const scale = tone.pivot / ((tone.pivot + tone.toe) ** contrast - bottom);
  const inside = (Math.min(value, 1) + tone.toe) ** contrast - bottom;
  const slope = contrast * (1 + tone.toe) ** (contrast - 1);
  return scale * (inside + slope * Math.max(value - 1, 0));
}

/** Largest encoded value after a gain: white of the given photo. */
export function brightest(ratio: number): number {
  return encode(Math.max(ratio, 1));
}

/** Encoded value 0…brightest(ratio) → encoded value 0…1 of the result. */
export function toned(encoded: number, ratio: number, contrast = 1): number {
  const top = brightest(ratio);
  const light = contrasted(Math.min(Math.max(encoded, 0), top), contrast);
  if (light <= tone.knee) return light;
  const excess = (light - tone.knee) / (1 - tone.knee);
  const limit = (contrasted(top, contrast) - tone.knee) / (1 - tone.knee);
  return tone.knee + ((1 - tone.knee) * (excess * (1 + excess / limit ** 2))) / (1 + excess);
}

/** [entries] output codes 0…255, not yet rounded, of evenly spaced encoded values 0…brightest(ratio). */
export function toneTable(ratio: number, contrast = 1): Float32Array {
  const top = brightest(ratio);
  return Float32Array.from({ length: tone.entries }, (_, at) => 255 * toned((top * at) / (tone.entries - 1), ratio, contrast));
}

function looked(table: Float32Array, value: number, top: number): number {
  const place = Math.min(Math.max(value / top, 0), 1) * (table.length - 1);
  const below = Math.min(Math.floor(place), table.length - 2);
  const low = table[below] ?? 0;
  return Math.round(low + ((table[below + 1] ?? 0) - low) * (place - below));
}

/** One photo's tables for one exposure: 256 gained values a channel, the blend, the tone table. */
export class Development {
  readonly #gained: readonly Float64Array[];
  readonly #tone: Float32Array;
  readonly #top: number;
  readonly #blend: Look["blend"];

  constructor(ratio: number, look: Look = PLAIN) {
    this.#gained = look.lift.map((lift) => Float64Array.from({ length: CODES }, (_, code) => encode(ratio * (decode(code / 255) + lift))));
    this.#tone = toneTable(ratio, look.contrast);
    this.#top = brightest(ratio);
    this.#blend = look.blend;
  }

  /** 8-bit sRGB codes of one pixel → the result's, were there no noise to remove. */
  pixel(codes: readonly number[]): number[] {
    const gained = codes.map((code, channel) => this.#gained[channel]?.[code] ?? 0);
    const mixed = this.#blend?.map((row) => row.reduce((sum, share, at) => sum + share * (gained[at] ?? 0), 0)) ?? gained;
    return mixed.map((value) => looked(this.#tone, value, this.#top));
  }

  /** [3 × 256] the result's codes of R, then G, then B; all there is to know while no blend mixes them. */
  codes(): Uint8ClampedArray {
    const out = new Uint8ClampedArray(3 * CODES);
    this.#gained.forEach((values, channel) => {
      values.forEach((value, code) => (out[channel * CODES + code] = looked(this.#tone, value, this.#top)));
    });
    return out;
  }
}
