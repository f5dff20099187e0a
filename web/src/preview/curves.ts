/* eslint-disable @typescript-eslint/no-non-null-assertion -- inner loops over millions of codes */
// The model's own curves in the browser: gain in linear light, then its tone table. Mirrors model/light.py and model/tone.py.
import shared from "@model/tone.json";

const { transfer, tone } = shared;

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

/** Source codes are told in steps of 1/FINE: in eight bits dark shades would show steps once they are gained. */
export const FINE = 16;
export const LEVELS = 255 * FINE + 1;
const LIGHT = Float64Array.from({ length: LEVELS }, (_, level) => decode(level / (255 * FINE)));
export const IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]] as const;

/** One photo's tables for one exposure: gained values of every source code, the blend, the tone table. */
export class Development {
  /** [3 × LEVELS] encoded light, gained, of R, then G, then B. */
  readonly gained: Float32Array;
  readonly tone: Float32Array;
  readonly top: number;
  readonly blend: Look["blend"];

  constructor(ratio: number, look: Look = PLAIN) {
    this.gained = new Float32Array(3 * LEVELS);
    look.lift.forEach((lift, channel) => {
      for (let level = 0; level < LEVELS; level += 1) this.gained[channel * LEVELS + level] = encode(ratio * (LIGHT[level]! + lift));
    });
    this.tone = toneTable(ratio, look.contrast);
    this.top = brightest(ratio);
    this.blend = look.blend;
  }

  /** Source codes · FINE, four a pixel, → 8-bit RGBA of the result, were there no noise to remove. */
  develop(codes: Uint16Array, into: Uint8ClampedArray): void {
    const { gained, tone, blend } = this;
    const [first, second, third] = blend ?? IDENTITY;
    const [rr, rg, rb] = [first![0]!, first![1]!, first![2]!];
    const [gr, gg, gb] = [second![0]!, second![1]!, second![2]!];
    const [br, bg, bb] = [third![0]!, third![1]!, third![2]!];
    const last = tone.length - 1;
    const scale = last / this.top;
    const looked = (value: number): number => {
      const place = Math.min(Math.max(value * scale, 0), last);
      const below = Math.min(place | 0, last - 1);
      const low = tone[below]!;
      return low + (tone[below + 1]! - low) * (place - below);
    };
    for (let at = 0; at < codes.length; at += 4) {
      const red = gained[codes[at]!]!;
      const green = gained[LEVELS + codes[at + 1]!]!;
      const blue = gained[2 * LEVELS + codes[at + 2]!]!;
      into[at] = looked(rr * red + rg * green + rb * blue); // a clamped array rounds
      into[at + 1] = looked(gr * red + gg * green + gb * blue);
      into[at + 2] = looked(br * red + bg * green + bb * blue);
      into[at + 3] = 255;
    }
  }
}
