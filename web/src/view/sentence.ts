// What a job's state means to the person who waits: a sentence, how far it is, and whether it is slower than usual.
import type { Progress } from "../api/send";
import type { Phase } from "../api/shapes";
import type { Job } from "../jobs/job";
import { words } from "../words";
import { duration, size } from "./amounts";

export interface Sentence {
  /** What happens now; also what screen readers are told when it changes. */
  title: string;
  /** Particulars that change often, and are not announced. */
  detail: string;
  /** 0…1, or null where nobody can know. */
  share: number | null;
  slow: boolean;
  /** Index into `words.progress.steps`. */
  step: number;
}

const WORTH_TELLING_S = 1.5;

const STEP: Record<Phase, number> = {
  waiting_for_capacity: 1,
  machine_failing: 1,
  no_worker: 1,
  starting_machine: 1,
  loading_model: 1,
  in_line: 1,
  fetching: 2,
  decoding: 2,
  enhancing: 2,
  encoding: 2,
  storing: 2,
};

/** Pure. `now` is epoch milliseconds; `progress` of an upload under way; without a network nothing is sent. */
export function sentence(job: Job, progress: Progress | null, now: number, online = true): Sentence {
  if (!online && (job.stage === "waiting" || job.stage === "sending")) return plain(words.progress.offline, 0);
  if (job.stage === "waiting") return plain(words.progress.queuedHere, 0);
  const status = job.status;
  if (job.stage === "sending" || !status?.phase) return sending(progress);
  const passed = Math.max(0, (now - job.toldAt) / 1000);
  const usual = status.usual_seconds;
  const slow = status.slower_than_usual;
  let title: string = words.phases[status.phase];
  if (slow && usual !== null) title += words.progress.slower(duration(usual));
  else if (usual !== null && usual >= WORTH_TELLING_S) title += words.progress.usually(duration(usual));
  const details = [];
  if (status.queue_position) details.push(words.progress.line(status.queue_position));
  if (status.eta_seconds !== null) details.push(words.progress.left(duration(Math.max(1, status.eta_seconds - passed))));
  if (status.attempts > 1) details.push(words.progress.attempt(status.attempts));
  const share = status.phase === "enhancing" && status.progress > 0 ? status.progress : null;
  return { title: `${title}.`, detail: details.join(" · "), share, slow, step: STEP[status.phase] };
}

function sending(progress: Progress | null): Sentence {
  if (!progress) return plain(words.progress.sending, 0);
  const { sent, size: all, speed } = progress;
  if (sent >= all) return { ...plain(words.progress.checking, 0), share: 1 };
  const detail = words.progress.speed(size(sent), size(all), speed ? size(speed) : null);
  return { ...plain(words.progress.sending, 0), detail, share: sent / all };
}

function plain(title: string, step: number): Sentence {
  return { title: `${title}.`, detail: "", share: null, slow: false, step };
}
