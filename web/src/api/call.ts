// One request to the API, and what can become of it: an answer, a refusal in the service's words, or nobody there.
import type { Problem } from "./shapes";

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

/** A whole answer. Throws Refused, Unreachable, or what `signal` was aborted with. */
export async function call(path: string, init: Omit<RequestInit, "headers"> & { headers?: Record<string, string> } = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, headers: { Accept: "application/json", ...init.headers } });
  } catch (error) {
    init.signal?.throwIfAborted();
    throw new Unreachable(path, { cause: error });
  }
  if (answer.ok || answer.status === 304) return answer;
  throw refusal(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** The refusal in an answer's body; a proxy's own page becomes one in the same words. Pure. */
export function refusal(status: number, body: string, retryAfter: string | null): Refused | Unreachable {
  const seconds = retryAfter !== null && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null;
  const problem = parsed(body);
  if (problem) return new Refused(problem, seconds);
  return new Unreachable(`${status} without a word of the service`); // a proxy's: the service behind it is away
}

function parsed(body: string): Problem | null {
  try {
    const problem = JSON.parse(body) as Partial<Problem> | null;
    return typeof problem?.code === "string" && typeof problem.status === "number" ? (problem as Problem) : null;
  } catch {
    return null;
  }
}
