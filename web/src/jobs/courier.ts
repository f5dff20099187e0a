// Brings each photo to the service, one after the other, and follows it to its end; goes on after a reload.
import { Refused, Unreachable } from "../api/call";
import { follow } from "../api/follow";
import { MOST_TRIES, pause, rest } from "../api/patience";
import { again, erase, send, sendDirect, StoreUnreachable, type Progress } from "../api/send";
import type { Keys } from "../api/shapes";
import { accepted, idOf, moved, told, type Job } from "./job";
import type { Shelf } from "./shelf";
import { PhotoLost, trouble } from "./trouble";

const PATIENT_S = 60; // a service that asks for more time than this is asked by hand
const ON_THE_WAY_BYTES = 4 << 20; // so many may be sent further than the page is told
const ERASED_BY_ITSELF_MS = 3 * 86_400_000; // a day to be done, a day to be kept, and one more

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
      else if (job.stage === "withdrawn") this.#takeBack(job);
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
    const { signal } = this.#control(key);
    this.shelf.change(key, (job) => moved(job, "waiting"));
    this.#turn = this.#turn.then(() => this.#deliver(key, signal));
  }

  /** Gives the photo up: out of sight at once, erased as soon as the service hears of it, if need be after a reload. */
  withdraw(key: string): void {
    const job = this.shelf.job(key);
    if (!job) return;
    if (job.shared || job.stage === "gone" || !(job.keys || job.mayBeThere)) {
      this.forget(key);
      return;
    }
    const isOnItsWay = job.stage === "waiting" || job.stage === "sending"; // its delivery finds that it was given up
    this.shelf.change(key, (now) => moved(now, "withdrawn"));
    if (!isOnItsWay) this.#takeBack(job);
  }

  /** Erases the photo now; throws what `erase` throws. */
  async remove(key: string): Promise<void> {
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

  /** Of a photo that was given up: erases it, once it is known by which id; to hear that, the same is sent again. */
  #takeBack({ key, keys, addedAt }: Job): void {
    if (Date.now() - addedAt > ERASED_BY_ITSELF_MS) this.forget(key);
    else if (keys) void this.#erase(key, this.#control(key).signal);
    else this.begin(key);
  }

  /** What could not be erased now is tried again at the next visit. */
  async #erase(key: string, signal: AbortSignal): Promise<void> {
    const keys = this.shelf.job(key)?.keys;
    if (!keys) return;
    try {
      await this.#persistently(key, () => erase(keys), signal);
      this.forget(key);
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error);
    }
  }

  /** A photo that was given up is forgotten once the service has said that it has none; of others the reason is told. */
  #failed(key: string, error: unknown): void {
    const facts = trouble(error);
    if (this.shelf.job(key)?.stage !== "withdrawn") this.shelf.change(key, (now) => moved(now, "refused", facts));
    else if (!facts.passes) this.forget(key);
  }

  /** One tab of this browser sends it; the others find it sent. */
  async #deliver(key: string, signal: AbortSignal): Promise<void> {
    try {
      await alone(`firstlight-${key}`, signal, () => this.#deliverAlone(key, signal));
    } catch (error) {
      if (!signal.aborted) this.#failed(key, error);
    }
  }

  async #deliverAlone(key: string, signal: AbortSignal): Promise<void> {
    await this.shelf.renew(key);
    const job = this.shelf.job(key);
    const isOver = (): boolean => signal.aborted;
    if (!job || isOver()) return;
    if (job.keys && job.stage !== "waiting" && job.stage !== "sending") {
      void this.#goOn(key, signal);
      return;
    }
    this.shelf.change(key, (now) => moved(now, "sending"));
    try {
      const keys = await this.#persistently(key, () => this.#once(job, signal), signal);
      if (isOver()) return;
      this.shelf.change(key, (now) => accepted(now, keys));
      void this.shelf.settlePhoto(key);
      void this.#goOn(key, signal);
    } catch (error) {
      if (!isOver()) this.#failed(key, error);
    } finally {
      this.#note(key, null);
    }
  }

  /** After the service took it. */
  async #goOn(key: string, signal: AbortSignal): Promise<void> {
    const stage = this.shelf.job(key)?.stage;
    if (stage === "withdrawn") await this.#erase(key, signal);
    else if (stage === "following") await this.#follow(key);
  }

  /** Tries as often as makes sense. Throws what the last try threw. */
  async #persistently<T>(key: string, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const isOver = (): boolean => signal.aborted;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await work();
        this.#reach(true);
        return answer;
      } catch (error) {
        const waits = error instanceof Refused ? (error.retryAfter ?? 0) : 0;
        const passes = error instanceof Unreachable || (error instanceof Refused && error.passes);
        if (isOver() || !passes || waits > PATIENT_S || attempt >= MOST_TRIES) throw error;
        this.#reach(!(error instanceof Unreachable));
        this.#note(key, null);
        await rest(Math.max(1000 * waits, pause(attempt, Math.random())), signal);
        while (!navigator.onLine && !isOver()) await rest(60_000, signal); // offline costs no try
      }
    }
  }

  async #once(job: Job, signal: AbortSignal): Promise<Keys> {
    const before = this.shelf.job(job.key)?.mayBeThere ?? false;
    try {
      return await this.#sent(job, signal);
    } catch (error) {
      if (error instanceof Refused && (error.problem.status < 500 || error.passes)) this.#arrive(job.key, before);
      throw error;
    }
  }

  async #sent(job: Job, signal: AbortSignal): Promise<Keys> {
    if (job.againOf !== null) {
      this.#arrive(job.key, true);
      return again(job.againOf, job.wish, job.idempotencyKey, signal);
    }
    const photo = await this.shelf.picture(job.key, "photo");
    if (!photo) throw new PhotoLost();
    const onProgress = (progress: Progress): void => {
      this.#note(job.key, progress);
      if (progress.size - progress.sent <= ON_THE_WAY_BYTES) this.#arrive(job.key, true);
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

  #arrive(key: string, mayBeThere: boolean): void {
    this.shelf.change(key, (now) => (now.mayBeThere === mayBeThere ? now : { ...now, mayBeThere }));
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
