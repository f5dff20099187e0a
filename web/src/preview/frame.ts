// A decoded photo as the decoder keeps it: planes of luma and chroma, or packed colours, lying as they were stored.

/** Clockwise degrees that bring stored pixels upright, and whether they are mirrored after that. */
export interface Turn {
  rotation: 0 | 90 | 180 | 270;
  flip: boolean;
}

export const UPRIGHT: Turn = { rotation: 0, flip: false };

interface Sides {
  /** Pixels as stored. */
  width: number;
  height: number;
  turn: Turn;
}

export interface Plane {
  codes: Uint8Array;
  stride: number;
}

/** Y, U, V of BT.601; chroma may have half the columns or rows. `full`: codes 0…255, else 16…235 and 16…240. */
export interface Planar extends Sides {
  planes: readonly [Plane, Plane, Plane];
  halved: { columns: boolean; rows: boolean };
  full: boolean;
}

/** Four bytes a pixel; `red` is where red lies, 0 or 2. */
export interface Packed extends Sides {
  codes: Uint8Array | Uint8ClampedArray;
  stride: number;
  red: 0 | 2;
}

export type Frame = Planar | Packed;

/** Width and height once upright. */
export function uprightSize({ width, height, turn }: Sides): { width: number; height: number } {
  return turn.rotation % 180 === 0 ? { width, height } : { width: height, height: width };
}

/** Where the upright picture's pixel (x, y) lies as stored: start + x · right + y · down, for columns and for rows. */
export function way({ width, height, turn }: Sides): Record<"column" | "row", { start: number; right: number; down: number }> {
  const [lastColumn, lastRow] = [width - 1, height - 1];
  const upright = {
    0: { column: { start: 0, right: 1, down: 0 }, row: { start: 0, right: 0, down: 1 } },
    90: { column: { start: 0, right: 0, down: 1 }, row: { start: lastRow, right: -1, down: 0 } },
    180: { column: { start: lastColumn, right: -1, down: 0 }, row: { start: lastRow, right: 0, down: -1 } },
    270: { column: { start: lastColumn, right: 0, down: -1 }, row: { start: 0, right: 1, down: 0 } },
  }[turn.rotation];
  if (!turn.flip) return upright;
  const last = (turn.rotation % 180 === 0 ? width : height) - 1;
  const mirrored = ({ start, right, down }: { start: number; right: number; down: number }) => ({ start: start + last * right, right: -right, down });
  return { column: mirrored(upright.column), row: mirrored(upright.row) };
}

/** Luma and two chromas (0 is grey), each 0…255 in size → sRGB codes, not rounded and not clipped. */
export const RED_OF_V = 1.402;
export const GREEN_OF_U = -0.344136;
export const GREEN_OF_V = -0.714136;
export const BLUE_OF_U = 1.772;

/** Scale and start of luma and chroma codes, so that luma is 0…255 and chroma −128…128. */
export function range(full: boolean): { luma: number; black: number; chroma: number } {
  return full ? { luma: 1, black: 0, chroma: 1 } : { luma: 255 / 219, black: 16, chroma: 255 / 224 };
}

/** Reads the sRGB codes of one stored pixel into `codes`, as a decoder with smooth chroma gives them. */
export function reader(frame: Frame): (column: number, row: number, codes: Uint8ClampedArray) => void {
  if ("codes" in frame) {
    return (column, row, codes) => {
      const at = row * frame.stride + 4 * column;
      codes[0] = frame.codes[at + frame.red] ?? 0;
      codes[1] = frame.codes[at + 1] ?? 0;
      codes[2] = frame.codes[at + 2 - frame.red] ?? 0;
    };
  }
  const [luma, u, v] = frame.planes;
  const { luma: scale, black, chroma } = range(frame.full);
  const smoothly = ({ codes, stride }: Plane, column: number, row: number): number => {
    const [wide, high] = [frame.halved.columns, frame.halved.rows];
    const across = wide ? column >> 1 : column;
    const above = high ? row >> 1 : row;
    const aside = wide ? other(column, frame.width) : across;
    const below = high ? other(row, frame.height) : above;
    const near = 3 * (codes[above * stride + across] ?? 128) + (codes[above * stride + aside] ?? 128);
    const far = 3 * (codes[below * stride + across] ?? 128) + (codes[below * stride + aside] ?? 128);
    return (3 * near + far) / 16 - 128;
  };
  return (column, row, codes) => {
    const y = scale * ((luma.codes[row * luma.stride + column] ?? 0) - black);
    const blue = chroma * smoothly(u, column, row);
    const red = chroma * smoothly(v, column, row);
    codes[0] = y + RED_OF_V * red; // a clamped array rounds
    codes[1] = y + GREEN_OF_U * blue + GREEN_OF_V * red;
    codes[2] = y + BLUE_OF_U * blue;
  };
}

/** The chroma sample next to the one that a place lies in, on its side of it. */
function other(place: number, size: number): number {
  const mine = place >> 1;
  return Math.min(Math.max(place % 2 ? mine + 1 : mine - 1, 0), (size - 1) >> 1);
}
