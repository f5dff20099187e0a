// Exposure in stops: one stop is twice the light; the API's exposure ratio is a power of two of it.

/** Stops between the smallest and the largest ratio that the API takes, 1 and 300. */
export const STOPS = { least: 0, most: 8.2, step: 0.1 } as const;

export const LARGEST_RATIO = 300;

/** EV 0…8.2 → exposure ratio 1…300, rounded to what two clients would agree on. */
export function ratioOf(stops: number): number {
  return Math.min(LARGEST_RATIO, Math.max(1, Number((2 ** stops).toPrecision(4))));
}

/** Exposure ratio ≥ 1 → EV, to the slider's step. */
export function stopsOf(ratio: number): number {
  const stops = Math.round(Math.log2(Math.max(1, ratio)) / STOPS.step) * STOPS.step;
  return Number(Math.min(STOPS.most, stops).toFixed(1));
}
