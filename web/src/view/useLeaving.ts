// Saying that nobody looks any more: when the page is closed, or has been hidden for a while.
import { useEffect, useState } from "react";
import { call } from "../api/call";
import { isUnderWay } from "../jobs/job";
import type { Shelf } from "../jobs/shelf";
import { lastWord, Tabs } from "./leaving";

const HIDDEN_MS = 20_000; // a look at another tab is no leave
const PICKING_MS = 120_000; // on some phones a page is hidden while a photo is picked

export interface Leaving {
  /** Whether the page has said so, and nobody has come back since. */
  hasLeft: () => boolean;
  /** Somebody is here. */
  come: () => void;
  /** A photo is being picked. */
  pick: () => void;
}

async function leave(photo: string): Promise<void> {
  const body = JSON.stringify({ intent: "leave", photo });
  await call("/warm", { method: "POST", body, headers: { "Content-Type": "application/json" }, keepalive: true });
}

class Presence implements Leaving {
  readonly #shelf: Shelf;
  readonly #tabs = new Tabs();
  #left = false;
  #pickedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  readonly hasLeft = (): boolean => this.#left;

  readonly come = (): void => {
    this.#left = false;
    this.#tabs.come();
  };

  readonly pick = (): void => {
    this.#pickedAt = performance.now();
  };

  /** Once while nobody looks. Of a photo under way nothing is said: its machine works. */
  readonly #leave = (): void => {
    if (this.#left) return;
    this.#left = true;
    const isBusy = this.#isBusy();
    const last = this.#tabs.leave(lastWord(this.#shelf.state().jobs));
    if (last && !isBusy) leave(last.photo).catch(() => undefined); // nobody is there to be told
  };

  /** Begins or ends the time after which a hidden page is one at which nobody looks. */
  readonly #look = (): void => {
    clearTimeout(this.#timer);
    if (document.visibilityState === "visible") {
      this.#tabs.come();
      return;
    }
    if (this.#left || this.#isBusy()) return;
    this.#timer = setTimeout(this.#leave, Math.max(HIDDEN_MS, this.#pickedAt + PICKING_MS - performance.now()));
  };

  #isBusy(): boolean {
    return this.#shelf.state().jobs.some(isUnderWay);
  }

  attend(): () => void {
    const end = new AbortController();
    const { signal } = end;
    document.addEventListener("visibilitychange", this.#look, { signal });
    globalThis.addEventListener("pageshow", this.#look, { signal });
    globalThis.addEventListener("pagehide", this.#leave, { signal });
    const forget = this.#shelf.subscribe(this.#look); // the last photo may end while nobody looks
    this.#look();
    return () => {
      clearTimeout(this.#timer);
      forget();
      end.abort();
    };
  }
}

/** `shelf` holds this browser's photos. */
export function useLeaving(shelf: Shelf): Leaving {
  const [presence] = useState(() => new Presence(shelf));
  useEffect(() => presence.attend(), [presence]);
  return presence;
}
