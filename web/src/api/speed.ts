// How fast bytes leave, over the last few seconds.

const WINDOW_MS = 3000;
const LEAST_MS = 400;

/** Bytes per second of an upload; null until it can be told. */
export class Speed {
  #seen: { at: number; bytes: number }[] = [];

  /** `bytes` sent in all at the moment `at`, milliseconds. */
  note(bytes: number, at: number): number | null {
    this.#seen = [...this.#seen.filter((each) => at - each.at <= WINDOW_MS), { at, bytes }];
    const [first] = this.#seen;
    return first && at - first.at >= LEAST_MS ? ((bytes - first.bytes) / (at - first.at)) * 1000 : null;
  }
}
