// A photo on its way to the service, with its progress: through the API, or straight into the store where it takes them.
import { call, refusal, Refused, understood, Unreachable } from "./call";
import { pause, rest } from "./patience";
import type { Invitation, Keys, Receipt, Wish } from "./shapes";
import { Speed } from "./speed";

const SILENCE_MS = 90_000; // without a byte gone or an answer come, the network is dead unnoticed
const CONFIRMS = 4;

export interface Progress {
  sent: number;
  size: number;
  /** Bytes per second, null until it can be told. */
  speed: number | null;
}

export interface Sending {
  photo: Blob;
  wish: Wish;
  /** The same key gives the same job, however often it is sent. */
  key: string;
  signal: AbortSignal;
  onProgress: (progress: Progress) => void;
}

/** The photo as a form to /upload. Throws Refused, Unreachable and the signal's reason. */
export async function send({ photo, wish, key, signal, onProgress }: Sending): Promise<Keys> {
  const form = fields(wish);
  form.append("image", photo, "photo");
  return keysOf(await post("/upload", form, { "Idempotency-Key": key }, photo.size, signal, onProgress));
}

/** Another exposure or format of a photo that the service still has. */
export async function again(id: string, wish: Wish, key: string, signal: AbortSignal): Promise<Keys> {
  const form = fields(wish);
  form.append("again", id);
  const answer = await call("/upload", { method: "POST", body: form, headers: { "Idempotency-Key": key }, signal });
  return keysOf(await answer.text());
}

/** The store did not take the photo from this page; the service may. */
export class StoreUnreachable extends Unreachable {}

/** The photo straight into the store. Also throws StoreUnreachable: whatever a store says, the service may still take it. */
export async function sendDirect(sending: Sending): Promise<Keys> {
  const { photo, wish, signal, onProgress } = sending;
  const asked = { size: photo.size, ratio: wish.ratio ?? "auto", format: wish.format };
  const json = { "Content-Type": "application/json" };
  const answer = await call("/upload/direct", { method: "POST", body: JSON.stringify(asked), headers: json, signal });
  const { id, owner_token, upload, confirm_url } = understood<Invitation>(await answer.text(), isInvitation);
  const form = new FormData();
  for (const [name, value] of Object.entries(upload.fields)) form.append(name, value);
  form.append("file", photo, "photo");
  try {
    await post(upload.url, form, {}, photo.size, signal, onProgress);
  } catch (error) {
    signal.throwIfAborted();
    throw new StoreUnreachable(upload.url, { cause: error });
  }
  await confirm(confirm_url, owner_token, signal);
  return { id, token: owner_token };
}

/** Whoever confirms twice is told the same; another upload of it would be another photo. */
async function confirm(url: string, token: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await call(url, { method: "POST", headers: { Authorization: `Bearer ${token}` }, signal });
      return;
    } catch (error) {
      if (signal.aborted || !(error instanceof Unreachable) || attempt >= CONFIRMS) throw error;
      await rest(pause(attempt, Math.random()), signal);
    }
  }
}

function keysOf(text: string): Keys {
  const { id, owner_token } = understood<Receipt>(text, (told) => typeof told.id === "string" && typeof told.owner_token === "string");
  return { id, token: owner_token };
}

function isInvitation({ id, owner_token, upload, confirm_url }: Partial<Invitation>): boolean {
  const named = [id, owner_token, confirm_url, upload?.url].every((each) => typeof each === "string");
  return named && typeof upload?.fields === "object";
}

/** Cancel an unfinished photo, and erase what is kept of any. One that is gone already counts as erased. */
export async function erase({ id, token }: Keys): Promise<void> {
  try {
    await call(`/upload/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${token}` } });
  } catch (error) {
    if (!(error instanceof Refused && error.problem.code === "not_found")) throw error;
  }
}

function fields(wish: Wish): FormData {
  const form = new FormData();
  form.append("ratio", wish.ratio === null ? "auto" : String(wish.ratio));
  form.append("format", wish.format);
  return form;
}

/** fetch tells nothing of an upload's progress, so this is an XMLHttpRequest. */
function post(
  url: string,
  form: FormData,
  headers: Record<string, string>,
  size: number,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const speed = new Speed();
    const abort = (): void => {
      request.abort();
      reject(signal.reason instanceof Error ? signal.reason : new DOMException("aborted", "AbortError"));
    };
    let silence: ReturnType<typeof setTimeout>;
    const alive = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        request.abort();
        reject(new Unreachable(url));
      }, SILENCE_MS);
    };
    request.open("POST", url);
    if (url.startsWith("/")) request.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => {
      alive();
      onProgress({ sent: Math.min(loaded, size), size, speed: speed.note(loaded, performance.now()) });
    };
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.responseText);
      else reject(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => {
      reject(new Unreachable(url));
    };
    request.onloadend = () => {
      clearTimeout(silence);
      signal.removeEventListener("abort", abort);
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    else {
      alive();
      request.send(form);
    }
  });
}
