// How long to wait before trying again: longer each time, never in step with others, never for ever.

export const MOST_TRIES = 8;
const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

/** Milliseconds before try `attempt` (1 is the second one). `random` 0…1 spreads those who failed together. Pure. */
export function pause(attempt: number, random: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1)) * (0.5 + random / 2);
}

/** Resolves after `ms`, or at once when `signal` is aborted or the connection comes back. */
export function rest(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      globalThis.removeEventListener("online", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    globalThis.addEventListener("online", done);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
