// The model's weights file in the browser: safetensors of half floats.

export type Arrays = ReadonlyMap<string, Float32Array>;

interface Entry {
  dtype: string;
  data_offsets: [number, number];
}

/** The arrays of a safetensors file. Throws for anything but half floats, which is what we write. */
export function arraysOf(file: ArrayBuffer): Arrays {
  const view = new DataView(file);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(file, 8, start - 8))) as Record<string, Entry>;
  const arrays = new Map<string, Float32Array>();
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F16") throw new Error(`${name} is ${dtype}, not F16`);
    const [from, to] = data_offsets;
    arrays.set(name, Float32Array.from({ length: (to - from) / 2 }, (_, at) => half(view.getUint16(start + from + 2 * at, true))));
  }
  return arrays;
}

/** IEEE 754 binary16; browsers older than `getFloat16` are about. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}
