// Quantiles and curves as NumPy and the model define them.

/** 0…1 → 0…1, flat at both ends. */
export function smooth(share: number): number {
  const inside = clipped(share, 0, 1);
  return inside * inside * (3 - 2 * inside);
}

export function clipped(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

export function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function sorted(values: Float64Array): Float64Array {
  return values.slice().sort();
}

/** The value below which `share` of them lie, between two of them linearly; `inOrder` grows. */
export function quantile(inOrder: Float64Array, share: number): number {
  const place = share * (inOrder.length - 1);
  const below = inOrder[Math.floor(place)] ?? 0;
  const above = inOrder[Math.ceil(place)] ?? below;
  const way = place - Math.floor(place);
  return way < 0.5 ? below + (above - below) * way : above - (above - below) * (1 - way); // to the last bit NumPy's
}
