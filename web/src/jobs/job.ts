// A photo as this browser knows it: what was asked, how far it is, and what the service last said of it.
//
//   waiting ─▶ sending ─▶ following ─▶ ended          gone: the service has nothing of it any more
//      ▲          └▶ refused ─┘(again, by hand)       withdrawn: given up by hand, and not yet known to be erased
import { isFinished } from "../api/follow";
import type { Keys, Status, Wish } from "../api/shapes";

export type Stage = "waiting" | "sending" | "refused" | "following" | "ended" | "gone" | "withdrawn";

/** Why a photo was not taken, in words for people, and what can be done. */
export interface Trouble {
  title: string;
  detail: string;
  cure: string;
  /** When it may be sent again, epoch milliseconds; null: at any time, by hand. */
  retryAt: number | null;
  /** Whether sending the same again can help. */
  passes: boolean;
}

export interface Job {
  /** Of this browser; the service's id is in `keys`. */
  key: string;
  /** What the service knows this upload by, however often it is sent. */
  idempotencyKey: string;
  name: string;
  /** Bytes of the file; 0 for a photo that came by a link. */
  size: number;
  addedAt: number;
  wish: Wish;
  /** The photo whose original is enhanced anew, in place of a file. */
  againOf: string | null;
  /** The service may have it, though it has not said so: enough of it was sent, if not in this visit. */
  mayBeThere: boolean;
  stage: Stage;
  keys: Keys | null;
  status: Status | null;
  /** When `status` was told, epoch milliseconds. */
  toldAt: number;
  trouble: Trouble | null;
  /** Pixels of the upright photo, once known. */
  width: number;
  height: number;
  /** The preview's own idea of the exposure. */
  estimate: number | null;
  /** Whether the shelf has a small picture of it. */
  hasThumb: boolean;
  /** Came by somebody's link: it can be seen, not deleted. */
  shared: boolean;
}

/** Whether what a browser kept, perhaps for an older page, is a job. Pure. */
export function isJob(kept: unknown): kept is Job {
  const { key, name, wish, stage, addedAt } = (kept ?? {}) as Partial<Record<keyof Job, unknown>>;
  return typeof key === "string" && typeof name === "string" && typeof stage === "string" && typeof addedAt === "number" && typeof wish === "object" && wish !== null;
}

/** A name that no other has. `crypto.randomUUID` is not there on pages without https. */
export function newKey(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Facts that a job begins with. */
export interface Beginning {
  key: string;
  name: string;
  size: number;
  now: number;
  wish: Wish;
}

export function begun({ key, name, size, now, wish }: Beginning): Job {
  return {
    key,
    idempotencyKey: `page-${key}`,
    name,
    size,
    addedAt: now,
    wish,
    againOf: null,
    mayBeThere: false,
    stage: "waiting",
    keys: null,
    status: null,
    toldAt: now,
    trouble: null,
    width: 0,
    height: 0,
    estimate: null,
    hasThumb: false,
    shared: false,
  };
}

/** The job in its next stage; one that was given up stays so. */
export function moved(job: Job, stage: Stage, trouble: Trouble | null = null): Job {
  return job.stage === "withdrawn" ? job : { ...job, stage, trouble };
}

/** The job after the service took it. */
export function accepted(job: Job, keys: Keys): Job {
  return { ...moved(job, "following"), keys };
}

/** The job after the service told how it fares; an ended one changes no more. */
export function told(job: Job, status: Status, now: number): Job {
  if (job.stage === "ended" || job.stage === "gone" || job.stage === "withdrawn") return job;
  const size = status.result ? { width: status.result.width, height: status.result.height } : {};
  return { ...job, ...size, status, toldAt: now, stage: isFinished(status) ? "ended" : "following" };
}

/** Whether something still happens to it. */
export function isUnderWay(job: Job): boolean {
  return job.stage === "waiting" || job.stage === "sending" || job.stage === "following";
}

/** The id that the service and links know it by. */
export function idOf(job: Job): string | null {
  return job.keys?.id ?? job.status?.id ?? null;
}

/** Whether the page can ask for another exposure or format of it. */
export function canGoAgain(job: Job): boolean {
  return job.stage === "ended" && job.status?.state !== "cancelled" && idOf(job) !== null;
}
