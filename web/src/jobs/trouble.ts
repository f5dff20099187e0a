// Why a photo was not taken, in words for people: from what the service, the browser or nobody said.
import { Refused } from "../api/call";
import { words } from "../words";
import type { Trouble } from "./job";

/** The browser gave the photo up before it was sent. */
export class PhotoLost extends Error {}

/** What went wrong, in words for people. Pure but for the clock. */
export function trouble(error: unknown): Trouble {
  if (error instanceof Refused) {
    const { title, detail, cure, status, code } = error.problem;
    const retryAt = error.retryAfter === null ? null : Date.now() + 1000 * error.retryAfter;
    return { title, detail: detail === title ? "" : detail, cure, retryAt, passes: error.passes || code === "barred" || status >= 500 };
  }
  if (error instanceof PhotoLost) return { ...words.trouble.lost, retryAt: null, passes: false };
  return { ...words.trouble.unreachable, retryAt: null, passes: true };
}
