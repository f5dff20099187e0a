// Files that somebody brought: judged before any upload, put on the shelf with what can be shown of them, and sent.
import type { Wish } from "../api/shapes";
import { embeddedJpeg } from "../photo/embedded";
import { judged } from "../photo/judging";
import type { Kind, Reason } from "../photo/kinds";
import { uprightJpeg } from "../photo/turning";
import type { Courier } from "./courier";
import { begun, idOf, newKey, type Job } from "./job";

/** A file that was not taken, and why. */
export interface Turned {
  name: string;
  reason: Reason;
}

export const AS_FOUND_BEST: Wish = { ratio: null, format: "jpeg" };

/** Takes what can be taken; answers with the refused ones and the first job. */
export async function take(files: readonly File[], courier: Courier, largest: number): Promise<{ refused: Turned[]; first: Job | null }> {
  const refused: Turned[] = [];
  let first: Job | null = null;
  for (const file of files) {
    const finding = await judged(file, largest);
    if (!finding.kind) {
      refused.push({ name: file.name, reason: finding.reason });
      continue;
    }
    const job = begun({ key: newKey(), name: file.name, size: file.size, now: Date.now(), wish: AS_FOUND_BEST });
    const before = await shownFor(finding.kind, file);
    courier.shelf.add(job, before ? { photo: file, before } : { photo: file });
    courier.begin(job.key);
    first ??= job;
  }
  return { refused, first };
}

/** Another exposure or format of a photo that the service has; null when there is nothing to start from. */
export async function takeAgain(source: Job, wish: Wish, courier: Courier): Promise<Job | null> {
  const againOf = idOf(source);
  if (!againOf) return null;
  const fresh = begun({ key: newKey(), name: source.name, size: source.size, now: Date.now(), wish });
  const job: Job = { ...fresh, againOf, width: source.width, height: source.height, estimate: source.estimate, hasThumb: source.hasThumb };
  const { shelf } = courier;
  const before = await shelf.original(source.key);
  const thumb = await shelf.picture(source.key, "thumb");
  shelf.add(job, { ...(before && { before }), ...(thumb && { thumb }) });
  courier.begin(job.key);
  return job;
}

/** A photo that somebody shared: it is followed and shown, and cannot be deleted from here. */
export function takeShared(id: string, courier: Courier): Job {
  const { shelf } = courier;
  const known = shelf.state().jobs.find((job) => idOf(job) === id);
  if (known) return known;
  const fresh = begun({ key: newKey(), name: id.slice(0, 8), size: 0, now: Date.now(), wish: AS_FOUND_BEST });
  const job: Job = { ...fresh, keys: { id, token: "" }, stage: "following", shared: true };
  shelf.add(job);
  courier.follow(job.key);
  return job;
}

/** A raw's own small picture; null where the browser shows the file itself, or nothing. */
async function shownFor(kind: Kind, file: File): Promise<Blob | null> {
  if (kind !== "raw" && kind !== "tiff") return null;
  try {
    const found = await embeddedJpeg(file);
    return found && (await uprightJpeg(found.jpeg, found.orientation));
  } catch {
    return null; // a damaged preview is no reason against the photo; the page says that it cannot show it
  }
}
