// What a page says of its last photo, and which of several tabs says it.
import { expect, test, vi } from "vitest";
import type { Status } from "../src/api/shapes";
import { begun, type Job, type Stage } from "../src/jobs/job";
import { lastWord, newer, Tabs, type Word } from "../src/view/leaving";

function job(photo: string, at: string, stage: Stage = "ended", more: Partial<Job> = {}): Job {
  const beginning = begun({ key: photo, name: "night.jpg", size: 1, now: 1, wish: { ratio: null, format: "jpeg" } });
  return { ...beginning, stage, keys: { id: photo, token: "t" }, status: { id: photo, created_at: at } as Status, ...more };
}

const OLD: Word = { photo: "old", at: "2026-11-23T10:00:00.000Z" };
const NEW: Word = { photo: "new", at: "2026-11-23T10:00:00.001Z" };
const SOON = { timeout: 8000 }; // another tab hears of it

test("the last word is of the photo that the service took last", () => {
  expect(lastWord([job(NEW.photo, NEW.at), job(OLD.photo, OLD.at)])).toEqual(NEW);
  expect(lastWord([job(OLD.photo, OLD.at), job(NEW.photo, NEW.at)])).toEqual(NEW);
});

test("there is none before a photo was sent, and while one is under way", () => {
  expect(lastWord([])).toBeNull();
  for (const stage of ["waiting", "sending", "following"] as const) expect(lastWord([job(NEW.photo, NEW.at, stage), job(OLD.photo, OLD.at)])).toBeNull();
});

test("photos that were refused, are gone or came by a link are nobody's last", () => {
  const others = [job("x", NEW.at, "refused", { keys: null, status: null }), job("y", NEW.at, "gone"), job("z", NEW.at, "ended", { shared: true })];
  expect(lastWord(others)).toBeNull();
  expect(lastWord([...others, job(OLD.photo, OLD.at)])).toEqual(OLD);
});

test("the later of two words counts, in whatever order they come", () => {
  expect(newer(OLD, NEW)).toBe(NEW);
  expect(newer(NEW, OLD)).toBe(NEW);
  expect(newer(null, OLD)).toBe(OLD);
  expect(newer(OLD, null)).toBe(OLD);
  expect(newer(null, null)).toBeNull();
});

test("a tab does not speak while somebody looks at another, and the last one speaks for both", async () => {
  const [one, other] = [new Tabs(), new Tabs()];
  one.come();
  other.come();
  await vi.waitFor(() => {
    expect([one.others, other.others]).toEqual([1, 1]);
  }, SOON);
  expect(one.leave(NEW)).toBeNull();
  await vi.waitFor(() => {
    expect(other.others).toBe(0);
  }, SOON);
  expect(other.leave(OLD)).toEqual(NEW);
});

test("where a browser keeps its tabs apart, each speaks for itself", () => {
  vi.stubGlobal("BroadcastChannel", vi.fn(function denied() {
    throw new DOMException("denied", "SecurityError");
  }));
  const tab = new Tabs();
  tab.come();
  expect(tab.leave(OLD)).toEqual(OLD);
  vi.unstubAllGlobals();
});

test("who comes back is there again", async () => {
  const [one, other] = [new Tabs(), new Tabs()];
  one.come();
  expect(one.leave(OLD)).toEqual(OLD);
  one.come();
  other.come();
  await vi.waitFor(() => {
    expect([one.others, other.others]).toEqual([1, 1]);
  }, SOON);
  expect(other.leave(null)).toBeNull();
  await vi.waitFor(() => {
    expect(one.others).toBe(0);
  }, SOON);
  expect(one.leave(OLD)).toEqual(OLD);
});
