// One request to the API, and what can become of it: an answer, a refusal in the service's words, or nobody there.
import { words } from "../words";
import type { Problem } from "./shapes";

const HEALING = [404, 408, 421, 425, 429]; // client errors that proxies give while what is behind them is away
const LONGEST_MS = 60_000; // the service answers within 20 s even where it waits; after that a network is dead unnoticed

/** The service said no, and why. */
export class Refused extends Error {
  readonly problem: Problem;
  /** Seconds to wait before asking again; null when waiting does not help. */
  readonly retryAfter: number | null;

  constructor(problem: Problem, retryAfter: number | null) {
    super(problem.title);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later. */
  get passes(): boolean {
    return this.problem.status === 429 || this.problem.status === 503 || this.problem.status === 408;
  }
}

/** No answer came: no network, or the service is being restarted. */
export class Unreachable extends Error {}

/** A whole answer, within a minute. Throws Refused, Unreachable, or what `signal` was aborted with. */
export async function call(path: string, init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {}): Promise<Response> {
  const late = AbortSignal.timeout(LONGEST_MS);
  const signal = init.signal ? AbortSignal.any([init.signal, late]) : late;
  try {
    const answer = await fetch(path, { ...init, signal, headers: { Accept: "application/json", ...init.headers } });
    if (answer.ok || answer.status === 304) return answer;
    throw refusal(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  } catch (error) {
    init.signal?.throwIfAborted();
    throw error instanceof Refused || error instanceof Unreachable ? error : new Unreachable(path, { cause: error });
  }
}

/** What the text of an answer tells, if it is what the contract says; else somebody else answered. Throws Unreachable. Pure. */
export function understood<T extends object>(text: string, isIt: (value: Partial<T>) => boolean): T {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null && isIt(value)) return value as T;
  } catch {
    // a login page of a hotel's network, or the half of an answer
  }
  throw new Unreachable("an answer that is not the service's");
}

/** The refusal in an answer's body; a proxy's own page becomes one in the same words. Pure. */
export function refusal(status: number, body: string, retryAfter: string | null): Refused | Unreachable {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  const problem = parsed(body);
  if (problem) return new Refused(problem, seconds);
  if (status === 413) return new Refused(tooLarge(), null); // a proxy has limits of its own; trying again changes nothing
  if (status >= 400 && status < 500 && !HEALING.includes(status)) return new Refused(barred(status), null);
  return new Unreachable(`${status} without a word of the service`); // a proxy's: the service behind it is away
}

function parsed(body: string): Problem | null {
  try {
    const problem = JSON.parse(body) as Partial<Problem> | null;
    const told = [problem?.code, problem?.title, problem?.detail, problem?.cure];
    return typeof problem?.status === "number" && told.every((each) => typeof each === "string") ? (problem as Problem) : null;
  } catch {
    return null;
  }
}

function tooLarge(): Problem {
  const [title, cure] = words.reasons.too_large;
  return { type: "about:blank", title, status: 413, code: "photo_too_large", detail: "", cure };
}

/** Somebody before the service wants a sign-in or forbids it: a person can change that, another try cannot. */
function barred(status: number): Problem {
  return { type: "about:blank", ...words.trouble.barred, detail: "", status, code: "barred" };
}
