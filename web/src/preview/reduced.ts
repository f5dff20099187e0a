/* eslint-disable @typescript-eslint/no-non-null-assertion -- inner loops over tens of millions of codes */
// A photo made small for the preview, upright, with codes finer than eight bits: dark shades would show steps otherwise.
import { FINE } from "./curves";
import { BLUE_OF_U, GREEN_OF_U, GREEN_OF_V, RED_OF_V, range, uprightSize, way, type Frame, type Packed, type Planar } from "./frame";

/** Codes 0…255 · FINE of R, G, B and one unused, row by row. */
export interface Reduced {
  width: number;
  height: number;
  codes: Uint16Array;
}

/** How many pixels, along each side, become one, so that the longer side has at most `longest`. */
export function stepFor(width: number, height: number, longest: number): number {
  return Math.max(1, Math.min(width, height, Math.ceil(Math.max(width, height) / longest)));
}

/** Boxes of `step` × `step` pixels become one, the mean of their codes; what is left over at two edges is cut off. */
export function reduced(frame: Frame, step: number): Reduced {
  const upright = uprightSize(frame);
  const [width, height] = [Math.floor(upright.width / step), Math.floor(upright.height / step)];
  const codes = new Uint16Array(4 * width * height);
  const boxes = "codes" in frame ? packedBoxes(frame, step) : planarBoxes(frame, step);
  const { column, row } = way(frame);
  const columns = Math.floor(frame.width / step);
  const firstColumn = Math.min(Math.floor(column.start / step), columns - 1);
  const firstRow = Math.min(Math.floor(row.start / step), Math.floor(frame.height / step) - 1);
  const right = row.right * columns + column.right;
  const down = row.down * columns + column.down;
  const start = firstRow * columns + firstColumn;
  for (let y = 0, to = 0; y < height; y += 1) {
    let from = 3 * (start + y * down);
    for (let x = 0; x < width; x += 1, to += 4, from += 3 * right) {
      codes[to] = boxes[from] ?? 0;
      codes[to + 1] = boxes[from + 1] ?? 0;
      codes[to + 2] = boxes[from + 2] ?? 0;
    }
  }
  return { width, height, codes };
}

function fine(code: number): number {
  return code <= 0 ? 0 : code >= 255 ? 255 * FINE : FINE * code + 0.5;
}

function packedBoxes({ codes, stride, red, width, height }: Packed, step: number): Uint16Array {
  const [columns, rows] = [Math.floor(width / step), Math.floor(height / step)];
  const boxes = new Uint16Array(3 * columns * rows);
  const share = FINE / step ** 2;
  for (let row = 0, to = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1, to += 3) {
      let r = 0;
      let g = 0;
      let b = 0;
      for (let down = 0; down < step; down += 1) {
        let at = (row * step + down) * stride + 4 * column * step;
        for (let across = 0; across < step; across += 1, at += 4) {
          r += codes[at + red]!;
          g += codes[at + 1]!;
          b += codes[at + 2 - red]!;
        }
      }
      boxes[to] = r * share + 0.5;
      boxes[to + 1] = g * share + 0.5;
      boxes[to + 2] = b * share + 0.5;
    }
  }
  return boxes;
}

function planarBoxes(frame: Planar, step: number): Uint16Array {
  const [columns, rows] = [Math.floor(frame.width / step), Math.floor(frame.height / step)];
  const [{ codes: luma, stride }, { codes: u, stride: chromaStride }, { codes: v }] = frame.planes;
  const { luma: scale, black, chroma } = range(frame.full);
  const boxes = new Uint16Array(3 * columns * rows);
  const shareOfLuma = scale / step ** 2;
  const across = samplesOf(columns, step, frame.halved.columns, chromaStride);
  const downwards = samplesOf(rows, step, frame.halved.rows, Math.floor(u.length / chromaStride));
  const few = across.count * downwards.count;
  const shareOfChroma = chroma / few;
  for (let row = 0, to = 0; row < rows; row += 1) {
    const aboveOfChroma = downwards.first[row]! * chromaStride;
    for (let column = 0; column < columns; column += 1, to += 3) {
      let y = 0;
      let from = row * step * stride + column * step;
      for (let down = 0; down < step; down += 1, from += stride) {
        for (let at = from; at < from + step; at += 1) y += luma[at]!;
      }
      let blue = 0;
      let red = 0;
      let line = aboveOfChroma + across.first[column]!;
      for (let down = 0; down < downwards.count; down += 1, line += chromaStride) {
        for (let at = line; at < line + across.count; at += 1) {
          blue += u[at]!;
          red += v[at]!;
        }
      }
      const light = y * shareOfLuma - scale * black;
      const toBlue = blue * shareOfChroma - 128 * chroma;
      const toRed = red * shareOfChroma - 128 * chroma;
      boxes[to] = fine(light + RED_OF_V * toRed);
      boxes[to + 1] = fine(light + GREEN_OF_U * toBlue + GREEN_OF_V * toRed);
      boxes[to + 2] = fine(light + BLUE_OF_U * toBlue);
    }
  }
  return boxes;
}

/** The first chroma sample of each box along one side, and how many, the same for all, count as its own. */
function samplesOf(boxes: number, step: number, halved: boolean, samples: number): { first: Int32Array; count: number } {
  const count = Math.min(halved ? (step + 1) >> 1 : step, samples);
  const first = Int32Array.from({ length: boxes }, (_, box) => Math.min((box * step) >> (halved ? 1 : 0), samples - count));
  return { first, count };
}
