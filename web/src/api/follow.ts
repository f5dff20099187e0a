// How a photo fares until its end: by server-sent events while it is looked at, by waiting requests where those do not
// come through, by a glance now and then while it is not.
//
//   looked at ─▶ EventSource ─ ends, breaks or falls silent ─▶ a second's rest, once more from the newest snapshot
//        └─ two in a row that were cut short or said nothing ─▶ GET ?wait=20, held by the server
//   not looked at ─▶ GET, then rest as long as Retry-After says
import { call, Refused, understood } from "./call";
import { MOST_TRIES, pause, rest } from "./patience";
import type { Status } from "./shapes";

const SILENCE_MS = 45_000; // after a laptop's sleep a stream may be dead without knowing it
const BRIEF_MS = 10_000; // a stream that is cut sooner is cut by a proxy
const FRUITLESS = 2;
const WAIT_S = 20;
const LEAST_REST_MS = 1000;

export interface Following {
  id: string;
  signal: AbortSignal;
  /** Whether somebody looks at it now. */
  isWatched: () => boolean;
  /** Aborted when that changes, or the page wakes up; a new one each time. */
  woken: () => AbortSignal;
  onStatus: (status: Status) => void;
  /** Whether the service can be reached, told at each change. */
  onReach: (reached: boolean) => void;
}

const STATES: readonly string[] = ["queued", "running", "done", "failed", "cancelled"] satisfies Status["state"][];

/** Whether an answer is a status: what is read of it has its type. Pure. */
export function isStatus(value: Partial<Status>): boolean {
  const { id, state, result, error, progress } = value;
  const whole = typeof id === "string" && STATES.includes(state ?? "") && typeof progress === "number";
  const told = state !== "failed" || (typeof error?.title === "string" && typeof error.cure === "string");
  return whole && told && (state !== "done" || (typeof result?.url === "string" && result.width > 0 && result.height > 0));
}

export type End = "finished" | "gone" | "aborted";

export function isFinished(status: Status): boolean {
  return status.state === "done" || status.state === "failed" || status.state === "cancelled";
}

/** Until the photo is finished, is not there any more, or `signal` is aborted. */
export async function follow(following: Following): Promise<End> {
  const { id, signal, isWatched, woken, onStatus, onReach } = following;
  let fruitless = 0;
  let failures = 0;
  let tag = "";
  while (!signal.aborted) {
    const wake = AbortSignal.any([signal, woken()]);
    try {
      if (isWatched() && fruitless < FRUITLESS && failures === 0) {
        const began = performance.now();
        const streamed = await stream(id, wake, (status) => {
          onReach(true);
          onStatus(status);
        });
        if (streamed === "finished") return streamed;
        const brief = !wake.aborted && performance.now() - began < BRIEF_MS;
        fruitless = streamed === "nothing" || brief ? fruitless + 1 : 0;
        if (streamed === "nothing") failures = 1; // ask plainly before the next stream: is anybody there?
        else await rest(LEAST_REST_MS, wake); // a proxy that cuts each stream short is not to be asked without a pause
        continue;
      }
      const waits = isWatched() && tag !== "" && failures === 0;
      const asked = performance.now();
      const answer = await call(`/status/${id}${waits ? `?wait=${WAIT_S}` : ""}`, {
        signal: wake,
        headers: tag ? { "If-None-Match": tag } : {},
      });
      if (answer.status === 200) {
        const status = understood<Status>(await answer.text(), isStatus);
        tag = answer.headers.get("ETag") ?? "";
        onStatus(status);
        if (isFinished(status)) return "finished";
      }
      onReach(true);
      failures = 0;
      const held = waits && performance.now() - asked >= LEAST_REST_MS; // a full house answers at once
      const changed = answer.status === 200;
      if (!isWatched() || !(held || changed)) {
        await rest(Math.max(LEAST_REST_MS, 1000 * Number(answer.headers.get("Retry-After") ?? 2)), wake);
      }
    } catch (error) {
      if (error instanceof Refused && error.problem.status === 404) return "gone";
      if (wake.aborted) continue;
      failures += 1;
      onReach(false);
      const told = error instanceof Refused ? 1000 * (error.retryAfter ?? 0) : 0;
      await rest(Math.max(told, pause(Math.min(failures, MOST_TRIES), Math.random())), wake);
    }
  }
  return "aborted";
}

/** One stream, to its end: the photo's, its own, or the listener's patience. */
function stream(id: string, wake: AbortSignal, onStatus: (status: Status) => void): Promise<"finished" | "broken" | "nothing"> {
  return new Promise((resolve) => {
    const source = new EventSource(`/events/${id}`);
    let heard = false;
    let silence: ReturnType<typeof setTimeout>;
    const end = (how: "finished" | "broken"): void => {
      clearTimeout(silence);
      source.close();
      wake.removeEventListener("abort", broken);
      resolve(how === "broken" && !heard && !wake.aborted ? "nothing" : how);
    };
    const broken = (): void => {
      end("broken");
    };
    silence = setTimeout(broken, SILENCE_MS / 9); // the first snapshot comes at once, or a proxy holds it back
    source.addEventListener("status", (event: MessageEvent<string>) => {
      let status: Status;
      try {
        status = understood(event.data, isStatus);
      } catch {
        broken();
        return;
      }
      heard = true;
      clearTimeout(silence);
      silence = setTimeout(broken, SILENCE_MS);
      onStatus(status);
      if (isFinished(status)) end("finished");
    });
    source.onerror = broken;
    wake.addEventListener("abort", broken);
    if (wake.aborted) broken();
  });
}
