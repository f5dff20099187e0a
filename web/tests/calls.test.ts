// Refusals, retries and speed: what the page makes of the service's words and silence.
import { expect, test } from "vitest";
import { Refused, refusal, understood, Unreachable } from "../src/api/call";
import { isStatus } from "../src/api/follow";
import { MOST_TRIES, pause } from "../src/api/patience";
import { Speed } from "../src/api/speed";
import { trouble } from "../src/jobs/trouble";

function problem(code: string, status: number): string {
  return JSON.stringify({ type: "", title: "No.", status, code, detail: "No.", cure: "Wait." });
}

test("a refusal speaks in the service's words, and says when it passes", () => {
  const limited = refusal(429, problem("rate_limited", 429), "61");
  expect(limited).toBeInstanceOf(Refused);
  expect(limited).toMatchObject({ retryAfter: 61, passes: true, problem: { code: "rate_limited" } });
  expect(refusal(422, problem("unreadable_photo", 422), null)).toMatchObject({ retryAfter: null, passes: false });
});

test.each(["<html>Bad gateway</html>", "", "null", "[]", '{"code":1}'])("a proxy's own page (%j) means that nobody answers", (body) => {
  expect(refusal(502, body, "5")).toBeInstanceOf(Unreachable);
});

test("a proxy that takes no large files is told from one that is down, for sending again would not help", () => {
  const told = refusal(413, "<html>413 Request Entity Too Large</html>", null);
  expect(told).toMatchObject({ passes: false, problem: { code: "photo_too_large", title: "The file is too large." } });
});

test.each([400, 401, 403, 405, 407, 451])("a proxy that bars the way with %i is not asked again by itself, and the cure is named", (status) => {
  const told = refusal(status, "<html>Sign in</html>", null);
  expect(told).toBeInstanceOf(Refused);
  expect(told).toMatchObject({ passes: false });
  expect(trouble(told)).toMatchObject({ passes: true, cure: expect.stringMatching(/sign in.*another network/) as string });
});

test.each([404, 408, 425, 429, 500, 502, 503])("a proxy's page with %i may be gone in a moment", (status) => {
  expect(refusal(status, "<html>404 page not found</html>", null)).toBeInstanceOf(Unreachable);
});

test.each(["<html>Sign in to this hotel's network</html>", '{"id":"a","state":"runn', "[]", "null", '{"id":7,"state":"queued","progress":0}', '{"id":"a","state":"toString","progress":0}', '{"id":"a","state":"done","progress":1,"result":null}', '{"id":"a","state":"failed","progress":1,"error":{"title":{}}}'])("%j is no status, whatever its code", (text) => {
  expect(() => understood(text, isStatus)).toThrow(Unreachable);
});

test("a problem of wrong types is not shown as one", () => {
  expect(refusal(500, '{"status":500,"code":"internal","title":{},"detail":"","cure":""}', null)).toBeInstanceOf(Unreachable);
});

test("the trouble says what, why and what helps", () => {
  const limited = refusal(429, problem("rate_limited", 429), "60");
  expect(trouble(limited)).toMatchObject({ title: "No.", detail: "", cure: "Wait.", passes: true });
  expect(trouble(limited).retryAt).toBeGreaterThan(Date.now() + 50_000);
  expect(trouble(refusal(422, problem("unreadable_photo", 422), null)).passes).toBe(false);
  expect(trouble(new Unreachable("x")).cure).toMatch(/connection/);
});

test("pauses grow, are bounded, and differ between those who failed together", () => {
  const least = Array.from({ length: MOST_TRIES }, (_, at) => pause(at + 1, 0));
  expect(least).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  expect(pause(3, 1)).toBe(4000);
  expect(pause(60, 1)).toBe(30_000);
});

test("the speed is that of the last seconds, and not told too early", () => {
  const speed = new Speed();
  expect(speed.note(0, 0)).toBeNull();
  expect(speed.note(100_000, 200)).toBeNull();
  expect(speed.note(1_000_000, 1000)).toBe(1_000_000);
  expect(speed.note(1_000_000, 10_000)).toBeNull();
  expect(speed.note(3_000_000, 11_000)).toBe(2_000_000);
});
