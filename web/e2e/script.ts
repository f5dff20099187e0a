// The service's answers as a scene needs them, in the types of its own contract: any phase, any failure, any weather.
import type { Page, Route } from "@playwright/test";
import type { Failure, Phase, Problem, Receipt, Status, Warmth } from "../src/api/shapes";
import type { File } from "./photos";

/** What becomes of a photo; "gone": the service has nothing of it; "away": nobody answers. */
export type Fate = Partial<Status> | "gone" | "away";

export const ASLEEP: Warmth = { state: "none", phase: null, phase_seconds: null, eta_seconds: null, detail: "" };
const HOUR_MS = 3_600_000;

export function waiting(phase: Phase, more: Partial<Status> = {}): Partial<Status> {
  return { state: "queued", phase, ...more };
}

export function done(width: number, height: number, more: Partial<NonNullable<Status["result"]>> = {}): Partial<Status> {
  const result = { url: "/result/scene", width, height, size: 2_417_000, media_type: "image/jpeg", ratio: 9.3, ...more };
  return { state: "done", phase: null, progress: 1, result };
}

export function failed(code: string, title: string, detail: string, cure: string): Partial<Status> {
  return { state: "failed", phase: null, error: { code, title, detail, cure } satisfies Failure };
}

export class Script {
  /** null: nobody answers. */
  warmth: Warmth | null = ASLEEP;
  /** Of the photos that are sent next. */
  fate: Fate = waiting("enhancing", { progress: 0.45 });
  /** Instead of taking photos; "real": the service itself takes them. */
  refusal: Problem | "away" | "real" | null = null;
  retryAfterS: number | null = null;
  deletes: "done" | "away" = "done";
  original: File | null = null;
  result: File | null = null;
  readonly #fates = new Map<string, Fate>();
  #version = 1;
  #sent = 0;
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async play(): Promise<void> {
    await this.page.route("**/warm", (route) => (this.warmth ? route.fulfill({ json: this.warmth }) : route.abort()));
    await this.page.route("**/events/*", (route) => route.abort());
    await this.page.route("**/status/*", (route) => this.#tell(route));
    await this.page.route("**/upload", (route) => this.#take(route));
    await this.page.route("**/upload/*", (route) => (this.deletes === "done" ? route.fulfill({ status: 204 }) : route.abort()));
    await this.page.route("**/result/*", (route) => this.#picture(route, this.result));
    await this.page.route("**/photo/*/original", (route) => this.#picture(route, this.original));
  }

  /** A photo of this id was taken earlier, by somebody. */
  know(id: string, fate: Fate): void {
    this.#fates.set(id, fate);
  }

  /** From now on every photo fares so; the page asks at once. */
  async turn(fate: Fate): Promise<void> {
    this.fate = fate;
    this.#version += 1;
    for (const id of this.#fates.keys()) this.#fates.set(id, fate);
    await this.page.evaluate(() => { dispatchEvent(new Event("focus")); });
  }

  async #tell(route: Route): Promise<void> {
    const address = new URL(route.request().url());
    const id = address.pathname.split("/").at(-1) ?? "";
    const fate = this.#fates.get(id) ?? this.fate;
    const tag = `"${this.#version}"`;
    if (fate === "away") return route.abort();
    if (fate === "gone") return route.fulfill({ status: 404, json: problem(404, "not_found", "There is nothing here.") });
    if ((await route.request().headerValue("If-None-Match")) === tag) {
      if (!address.searchParams.has("wait")) await route.fulfill({ status: 304, headers: { ETag: tag } });
      return; // else it is held, as the service would
    }
    return route.fulfill({ json: whole(id, fate), headers: { ETag: tag, "Retry-After": "1" } });
  }

  async #take(route: Route): Promise<void> {
    if (this.refusal === "real") return route.continue();
    if (this.refusal === "away") return route.abort();
    if (this.refusal) {
      const headers = this.retryAfterS === null ? {} : { "Retry-After": String(this.retryAfterS) };
      return route.fulfill({ status: this.refusal.status, json: this.refusal, headers });
    }
    this.#sent += 1;
    const id = `00000000-0000-4000-8000-${String(this.#sent).padStart(12, "0")}`;
    this.#fates.set(id, this.fate);
    const urls = { status_url: `/status/${id}`, result_url: `/result/${id}` };
    const receipt: Receipt = { id, state: "queued", ...urls, owner_token: "scene", expires_at: moment(24 * HOUR_MS) };
    return route.fulfill({ status: 202, json: receipt });
  }

  #picture(route: Route, picture: File | null): Promise<void> {
    if (!picture) return route.fulfill({ status: 404 });
    return route.fulfill({ body: picture.buffer, contentType: picture.mimeType });
  }
}

export function problem(status: number, code: string, title: string, cure = "", detail = ""): Problem {
  return { type: "about:blank", title, status, code, detail, cure };
}

function whole(id: string, fate: Partial<Status>): Status {
  return {
    id,
    state: "queued",
    phase: null,
    phase_seconds: 1,
    usual_seconds: null,
    slower_than_usual: false,
    eta_seconds: null,
    progress: 0,
    attempts: 1,
    queue_position: null,
    result: null,
    error: null,
    created_at: moment(-5000),
    started_at: null,
    ended_at: null,
    expires_at: moment(24 * HOUR_MS),
    ...fate,
  };
}

function moment(fromNowMs: number): string {
  return new Date(Date.now() + fromNowMs).toISOString();
}
