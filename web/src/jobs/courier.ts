// Brings each photo to the service, one after the other, and follows it to its end; goes on after a reload.
import { Refused, Unreachable } from "../api/call";
import { follow } from "../api/follow";
import { MOST_TRIES, pause, rest } from "../api/patience";
import { again, erase, send, sendDirect, StoreUnreachable, type Progress } from "../api/send";
import type { Keys } from "../api/shapes";
import { accepted, idOf, told, type Job } from "./job";
import type { Shelf } from "./shelf";
import { PhotoLost, trouble } from "./trouble";

const PATIENT_S = 60; // a service that asks for more time than this is asked by hand

/** What passes too quickly to be kept. */
export interface Live {
  progress: ReadonlyMap<string, Progress>;
  reached: boolean;
}

export class Courier {
  #live: Live = { progress: new Map(), reached: true };
  readonly #listeners = new Set<() => void>();
  readonly #under = new Map<string, AbortController>();
  #turn: Promise<unknown> = Promise.resolve();
  #watched: string | null = null;
  #wake = new AbortController();

  readonly shelf: Shelf;
  #direct: boolean;

  /** `direct`: photos may go straight into the store. */
  constructor(shelf: Shelf, direct: boolean) {
    this.shelf = shelf;
    this.#direct = direct;
  }

  readonly live = (): Live => this.#live;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Takes up whatever is not finished, as after a reload. */
  resume(): void {
    for (const job of this.shelf.state().jobs) {
      if (job.stage === "waiting" || job.stage === "sending") this.begin(job.key);
      else if (job.stage === "following") this.follow(job.key);
    }
  }

  /** Asks how the job fares, until its end. */
  follow(key: string): void {
    void this.#follow(key);
  }

  /** The job that is looked at, and whether anybody looks at all; its news come at once. */
  watch(key: string | null): void {
    if (key === this.#watched) return;
    this.#watched = key;
    this.wakeUp();
  }

  /** After sleep, a lost network or another tab: ask at once. */
  wakeUp(): void {
    const before = this.#wake;
    this.#wake = new AbortController();
    before.abort();
  }

  /** Sends the job, after those that came before it. */
  begin(key: string): void {
    const control = this.#control(key);
    this.shelf.change(key, (job) => ({ ...job, stage: "waiting", trouble: null }));
    this.#turn = this.#turn.then(() => this.#deliver(key, control.signal));
  }

  /** Gives the photo up, wherever it is; throws what `erase` throws. */
  async withdraw(key: string): Promise<void> {
    this.#under.get(key)?.abort();
    const job = this.shelf.job(key);
    if (job?.keys && job.stage !== "gone") await erase(job.keys);
    this.forget(key);
  }

  /** Removes it from this browser only. */
  forget(key: string): void {
    this.#under.get(key)?.abort();
    this.#under.delete(key);
    this.shelf.remove(key);
  }

  /** One tab of this browser sends it; the others find it sent. */
  async #deliver(key: string, signal: AbortSignal): Promise<void> {
    try {
      await alone(`firstlight-${key}`, signal, () => this.#deliverAlone(key, signal));
    } catch (error) {
      if (!signal.aborted) this.shelf.change(key, (now) => ({ ...now, stage: "refused", trouble: trouble(error) }));
    }
  }

  async #deliverAlone(key: string, signal: AbortSignal): Promise<void> {
    await this.shelf.renew(key);
    const job = this.shelf.job(key);
    const isOver = (): boolean => signal.aborted;
    if (!job || isOver()) return;
    if (job.keys && job.stage !== "waiting" && job.stage !== "sending") {
      if (job.stage === "following") void this.#follow(key);
      return;
    }
    this.shelf.change(key, (now) => ({ ...now, stage: "sending" }));
    try {
      const keys = await this.#persistently(job, signal);
      if (isOver()) {
        await erase(keys); // given up while the answer was on its way
        return;
      }
      this.shelf.change(key, (now) => accepted(now, keys));
      void this.shelf.settlePhoto(key);
      void this.#follow(key);
    } catch (error) {
      if (!isOver()) this.shelf.change(key, (now) => ({ ...now, stage: "refused", trouble: trouble(error) }));
    } finally {
      this.#note(key, null);
    }
  }

  /** Tries as often as makes sense. Throws what the last try threw. */
  async #persistently(job: Job, signal: AbortSignal): Promise<Keys> {
    const isOver = (): boolean => signal.aborted;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const keys = await this.#once(job, signal);
        this.#reach(true);
        return keys;
      } catch (error) {
        const waits = error instanceof Refused ? (error.retryAfter ?? 0) : 0;
        const passes = error instanceof Unreachable || (error instanceof Refused && error.passes);
        if (isOver() || !passes || waits > PATIENT_S || attempt >= MOST_TRIES) throw error;
        this.#reach(!(error instanceof Unreachable));
        this.#note(job.key, null);
        await rest(Math.max(1000 * waits, pause(attempt, Math.random())), signal);
        while (!navigator.onLine && !isOver()) await rest(60_000, signal); // offline costs no try
      }
    }
  }

  async #once(job: Job, signal: AbortSignal): Promise<Keys> {
    if (job.againOf !== null) return again(job.againOf, job.wish, job.idempotencyKey, signal);
    const photo = await this.shelf.picture(job.key, "photo");
    if (!photo) throw new PhotoLost();
    const onProgress = (progress: Progress): void => {
      this.#note(job.key, progress);
    };
    const sending = { photo, wish: job.wish, key: job.idempotencyKey, signal, onProgress };
    if (this.#direct) {
      try {
        return await sendDirect(sending);
      } catch (error) {
        if (!(error instanceof StoreUnreachable || (error instanceof Refused && error.problem.code === "no_direct_upload"))) throw error;
        this.#direct = !navigator.onLine; // the store does not take it from this page: the service does, from now on
      }
    }
    return send(sending);
  }

  async #follow(key: string): Promise<void> {
    const job = this.shelf.job(key);
    const id = job && idOf(job);
    if (!id) return;
    const { signal } = this.#control(key);
    const end = await follow({
      id,
      signal,
      isWatched: () => this.#watched === key,
      woken: () => this.#wake.signal,
      onStatus: (status) => {
        this.shelf.change(key, (now) => told(now, status, Date.now()));
      },
      onReach: (reached) => {
        this.#reach(reached);
      },
    });
    if (end === "gone") this.shelf.change(key, (now) => ({ ...now, stage: "gone" }));
  }

  #control(key: string): AbortController {
    this.#under.get(key)?.abort();
    const control = new AbortController();
    this.#under.set(key, control);
    return control;
  }

  #note(key: string, progress: Progress | null): void {
    const all = new Map(this.#live.progress);
    if (progress) all.set(key, progress);
    else all.delete(key);
    this.#tell({ ...this.#live, progress: all });
  }

  #reach(reached: boolean): void {
    if (reached !== this.#live.reached) this.#tell({ ...this.#live, reached });
  }

  #tell(live: Live): void {
    this.#live = live;
    for (const listener of this.#listeners) listener();
  }
}

/** `work` while no other tab does work of this name; without locks (no https), as if there were one tab. */
async function alone(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if ("locks" in navigator) await navigator.locks.request(name, { signal }, work);
  else await work();
}
