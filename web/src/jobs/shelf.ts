// The photos that this browser has sent, kept in it across reloads: facts and pictures in IndexedDB, a copy of the facts in memory.
import { createStore, del, delMany, entries, get, set, update, type UseStore } from "idb-keyval";
import { isJob, type Job } from "./job";

/** `photo`: the file, until it is accepted. `before`: what the page shows as the original. `thumb`: for the strip. */
export type Picture = "photo" | "before" | "thumb";

const OPEN_MS = 4000; // some browsers never answer; the page goes on without
const PICTURES: readonly Picture[] = ["photo", "before", "thumb"];

export interface ShelfState {
  /** Newest first. */
  jobs: readonly Job[];
  /** Whether the browser keeps them; in some private windows it does not. */
  keeps: boolean;
}

export class Shelf {
  #state: ShelfState = { jobs: [], keeps: true };
  readonly #listeners = new Set<() => void>();
  readonly #pictures = new Map<string, Blob>();
  readonly #own = new Set<string>(); // jobs added here: all their pictures are held
  readonly #store: UseStore;

  constructor(name = "firstlight") {
    this.#store = createStore(name, "shelf");
  }

  /** What is kept from earlier visits. */
  async open(): Promise<void> {
    await this.#kept(async () => {
      const kept = (await soon(entries<string, unknown>(this.#store))).filter(([key]) => key.startsWith("job/"));
      const jobs = kept.map(([, job]) => job).filter(isJob).sort((one, other) => other.addedAt - one.addedAt);
      this.#tell({ ...this.#state, jobs: [...this.#state.jobs, ...jobs] });
    });
  }

  /** What another tab knows better: that the service took it, that it was given up, or that it was removed. */
  async renew(key: string): Promise<void> {
    if (!this.#state.keeps) return;
    const kept = await this.#kept(() => get<unknown>(`job/${key}`, this.#store));
    if (isJob(kept) && (kept.keys || kept.stage === "withdrawn")) this.#put(key, kept);
    else if (kept === undefined && this.#isKeeping()) this.remove(key);
  }

  readonly state = (): ShelfState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  job(key: string): Job | undefined {
    return this.#state.jobs.find((job) => job.key === key);
  }

  add(job: Job, pictures: Partial<Record<Picture, Blob>> = {}): void {
    this.#own.add(job.key);
    for (const picture of PICTURES) if (pictures[picture]) this.putPicture(job.key, picture, pictures[picture]);
    this.#tell({ ...this.#state, jobs: [job, ...this.#state.jobs.filter((other) => other.key !== job.key)] });
    this.#keep(job);
  }

  /** Changes a job that is still here; one that was removed meanwhile stays so. */
  change(key: string, change: (job: Job) => Job): void {
    const before = this.job(key);
    const after = before && change(before);
    if (!after || after === before) return;
    this.#put(key, after);
    this.#keep(after);
  }

  remove(key: string): void {
    this.#tell({ ...this.#state, jobs: this.#state.jobs.filter((job) => job.key !== key) });
    for (const picture of PICTURES) this.#pictures.delete(`${picture}/${key}`);
    this.#own.delete(key);
    void this.#kept(() => delMany([`job/${key}`, ...PICTURES.map((picture) => `${picture}/${key}`)], this.#store));
  }

  putPicture(key: string, picture: Picture, blob: Blob): void {
    this.#pictures.set(`${picture}/${key}`, blob);
    void this.#kept(() => set(`${picture}/${key}`, blob, this.#store));
  }

  async picture(key: string, picture: Picture): Promise<Blob | null> {
    const held = this.#pictures.get(`${picture}/${key}`);
    if (held) return held;
    const kept = await this.#kept(() => get<Blob>(`${picture}/${key}`, this.#store));
    if (kept) this.#pictures.set(`${picture}/${key}`, kept);
    return kept ?? null;
  }

  /** What is shown as the original: a better picture of it, or the file itself. */
  async original(key: string): Promise<Blob | null> {
    const held = this.#own.has(key) ? (this.#pictures.get(`before/${key}`) ?? this.#pictures.get(`photo/${key}`)) : null;
    if (held) return held; // the store would answer only once the whole photo is written
    const before = await this.picture(key, "before");
    return before ?? (await this.picture(key, "photo")) ?? this.picture(key, "before"); // settled meanwhile
  }

  /** After the service took it, the file is only what the page shows as the original, unless it has a better one. */
  async settlePhoto(key: string): Promise<void> {
    const photo = await this.picture(key, "photo");
    if (photo && !(await this.picture(key, "before"))) this.putPicture(key, "before", photo);
    this.#pictures.delete(`photo/${key}`);
    await this.#kept(() => del(`photo/${key}`, this.#store));
  }

  #put(key: string, job: Job): void {
    this.#tell({ ...this.#state, jobs: this.#state.jobs.map((other) => (other.key === key ? job : other)) });
  }

  #isKeeping(): boolean {
    return this.#state.keeps;
  }

  /** A tab that does not know yet that the service took it, or that it was given up, must not undo that for all. */
  #keep(job: Job): void {
    const better = (kept?: Job): Job => {
      if (kept?.keys && !job.keys) return { ...kept, stage: job.stage === "withdrawn" ? job.stage : kept.stage };
      return kept?.stage === "withdrawn" ? { ...job, stage: kept.stage } : job;
    };
    void this.#kept(() => update<Job>(`job/${job.key}`, better, this.#store));
  }

  /** What the browser's store said; when it refuses, the page says so and goes on from memory. */
  async #kept<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch {
      if (this.#state.keeps) this.#tell({ ...this.#state, keeps: false });
      return undefined;
    }
  }

  #tell(state: ShelfState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** The same, or an error when it does not come soon. */
function soon<T>(work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) => setTimeout(() => { reject(new Error("the browser's store is silent")); }, OPEN_MS));
  return Promise.race([work, late]);
}
