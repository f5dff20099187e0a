// A photo at a glance: the linear light of a few thousand cells. The twin of model/thumbnail.py.
import { decode } from "./curves";
import { reader, type Frame } from "./frame";
import type { Thumbnail } from "./impression";

const CELLS = 48; // along the longer side
const SAMPLES = 4; // pixels taken from a cell, along each side
const LIGHT = Float64Array.from({ length: 256 }, (_, code) => decode(code / 255));

/** Linear light of one code above black. */
export const STEP = decode(1 / 255);

/** The longer side has about CELLS cells; a cell is the mean of samples. As stored: the model looks before it turns. */
export function thumbnail(frame: Frame): Thumbnail {
  const step = Math.min(frame.height, frame.width, Math.ceil(Math.max(frame.height, frame.width) / CELLS));
  const width = Math.floor(frame.width / step);
  const height = Math.floor(frame.height / step);
  const inside = [...new Set(Array.from({ length: SAMPLES }, (_, at) => Math.floor((at * (step - 1)) / (SAMPLES - 1))))];
  const light = new Float64Array(3 * width * height);
  const read = reader(frame);
  const codes = new Uint8ClampedArray(3);
  const share = 1 / inside.length ** 2;
  for (let cell = 0; cell < width * height; cell += 1) {
    const [left, top] = [(cell % width) * step, Math.floor(cell / width) * step];
    for (const down of inside) {
      for (const right of inside) {
        read(left + right, top + down, codes);
        for (let channel = 0; channel < 3; channel += 1) light[3 * cell + channel]! += share * (LIGHT[codes[channel] ?? 0] ?? 0); // eslint-disable-line @typescript-eslint/no-non-null-assertion
      }
    }
  }
  return { width, height, light };
}
