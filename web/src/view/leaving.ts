// Who still looks at this page, and which photo its visitor leaves behind: so that no machine idles for nobody.
import { idOf, isUnderWay, newKey, type Job } from "../jobs/job";

const CHANNEL = "firstlight-here";

/** The newest photo of this browser, and when the service took it (its own words, which sort by time). */
export interface Word {
  photo: string;
  at: string;
}

/** What there is to say when nobody looks any more; null when nothing was sent, or is not done yet. Pure. */
export function lastWord(jobs: readonly Job[]): Word | null {
  if (jobs.some(isUnderWay)) return null;
  const words = jobs.flatMap((job) => {
    const photo = idOf(job);
    return photo && job.status && !job.shared && job.stage === "ended" ? [{ photo, at: job.status.created_at }] : [];
  });
  return words.reduce<Word | null>(newer, null);
}

/** The later one of two. Pure. */
export function newer(one: Word | null, other: Word | null): Word | null {
  return one && other ? (one.at < other.at ? other : one) : (one ?? other);
}

type Told = { from: string; is: "here" | "new" } | { from: string; is: "gone"; word: Word | null };

/** The tabs of this browser at which somebody looks. One that crashed counts as there: then nobody says anything. */
export class Tabs {
  readonly #me = newKey();
  readonly #others = new Set<string>();
  #channel: BroadcastChannel | null = null;
  #heard: Word | null = null;

  /** How many other tabs somebody looks at, as far as they have said so. */
  get others(): number {
    return this.#others.size;
  }

  /** Somebody looks at this one. */
  come(): void {
    if (this.#channel) return;
    try {
      this.#channel = new BroadcastChannel(CHANNEL);
    } catch {
      return; // a browser that keeps its tabs apart, or has no such thing: each speaks for itself
    }
    this.#channel.onmessage = ({ data }: MessageEvent<Told>) => {
      this.#hear(data);
    };
    this.#say({ from: this.#me, is: "new" });
  }

  /** Nobody does any more. What the last of them has to say, of all their photos; null where others still look. */
  leave(word: Word | null): Word | null {
    this.#say({ from: this.#me, is: "gone", word });
    this.#channel?.close(); // an open one keeps the page out of the browser's back and forward cache
    this.#channel = null;
    const last = this.others > 0 ? null : newer(this.#heard, word);
    this.#others.clear();
    return last;
  }

  #hear(told: Told): void {
    if (told.is === "gone") {
      this.#others.delete(told.from);
      this.#heard = newer(this.#heard, told.word);
      return;
    }
    this.#others.add(told.from);
    if (told.is === "new") this.#say({ from: this.#me, is: "here" });
  }

  #say(told: Told): void {
    this.#channel?.postMessage(told);
  }
}
