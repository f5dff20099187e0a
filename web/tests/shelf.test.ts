// The photos that a browser keeps: across reloads, and without a store that works.
import "fake-indexeddb/auto";
import { beforeEach, expect, test, vi } from "vitest";
import type { Status } from "../src/api/shapes";
import { accepted, begun, canGoAgain, isUnderWay, moved, newKey, told, type Job } from "../src/jobs/job";
import { Shelf } from "../src/jobs/shelf";

let count = 0;
let name = "";

beforeEach(() => {
  name = `shelf-${(count += 1)}`;
});

function fresh(key: string, now = 1): Job {
  return begun({ key, name: `${key}.jpg`, size: 10, now, wish: { ratio: null, format: "jpeg" } });
}

/** Once it holds, however slow the machine is. */
function soon(holds: () => Promise<void>): Promise<void> {
  return vi.waitFor(holds, { timeout: 8000 });
}

/** What another visit finds. */
async function reopened(): Promise<Shelf> {
  const shelf = new Shelf(name);
  await shelf.open();
  return shelf;
}

async function kept(key: string): Promise<Job | undefined> {
  return (await reopened()).job(key);
}

test("jobs and pictures are there after a reload, newest first", async () => {
  const shelf = await reopened();
  shelf.add(fresh("old", 1), { photo: new Blob(["dark"]) });
  shelf.add(fresh("new", 2));
  await soon(async () => {
    expect((await reopened()).state().jobs.map((job) => job.key)).toEqual(["new", "old"]);
  });
  const again = await reopened();
  expect(await (await again.picture("old", "photo"))?.text()).toBe("dark");
  expect(await again.picture("new", "photo")).toBeNull();
});

test("the owner's token survives, for without it nobody could delete the photo", async () => {
  const shelf = await reopened();
  shelf.add(fresh("a"));
  shelf.change("a", (job) => accepted(job, { id: "id", token: "secret" }));
  await soon(async () => {
    expect((await kept("a"))?.keys).toEqual({ id: "id", token: "secret" });
  });
});

test("a photo just taken is shown without waiting for the store", async () => {
  const shelf = await reopened();
  const asked = vi.spyOn(IDBObjectStore.prototype, "get");
  shelf.add(fresh("jpeg"), { photo: new Blob(["whole"]) });
  shelf.add(fresh("raw"), { photo: new Blob(["counts"]), before: new Blob(["embedded"]) });
  expect(await (await shelf.original("jpeg"))?.text()).toBe("whole");
  expect(await (await shelf.original("raw"))?.text()).toBe("embedded");
  const keys = asked.mock.calls.map(([key]) => key);
  for (const key of ["photo/jpeg", "before/jpeg", "photo/raw", "before/raw"]) expect(keys).not.toContain(key);
  asked.mockRestore();
});

test("an accepted file becomes the original that is shown, unless there is a better one", async () => {
  const shelf = await reopened();
  shelf.add(fresh("jpeg"), { photo: new Blob(["whole"]) });
  shelf.add(fresh("raw"), { photo: new Blob(["counts"]), before: new Blob(["embedded"]) });
  await shelf.settlePhoto("jpeg");
  await shelf.settlePhoto("raw");
  for (const [key, text] of [["jpeg", "whole"], ["raw", "embedded"]] as const) {
    const again = await reopened();
    expect(await again.picture(key, "photo")).toBeNull();
    expect(await (await again.picture(key, "before"))?.text()).toBe(text);
  }
});

test.each([0, 1, 2, 3, 4, 5])("the original is found also while it is settled, %i steps into it", async (steps) => {
  (await reopened()).add(fresh("jpeg"), { photo: new Blob(["whole"]) });
  await soon(async () => {
    expect(await (await reopened()).picture("jpeg", "photo")).not.toBeNull();
  });
  const shelf = await reopened();
  const settled = shelf.settlePhoto("jpeg");
  for (let step = 0; step < steps; step += 1) await shelf.picture("another", "thumb");
  expect(await (await shelf.original("jpeg"))?.text()).toBe("whole");
  await settled;
});

test("what is removed is gone, with its pictures, and cannot be changed back", async () => {
  const shelf = await reopened();
  shelf.add(fresh("a"), { photo: new Blob(["x"]), thumb: new Blob(["y"]) });
  shelf.remove("a");
  shelf.change("a", (job) => ({ ...job, name: "back" }));
  expect(shelf.state().jobs).toEqual([]);
  await soon(async () => {
    expect(await kept("a")).toBeUndefined();
    expect(await (await reopened()).picture("a", "thumb")).toBeNull();
  });
});

test("a tab that does not know yet that another sent a photo cannot make the browser forget its keys", async () => {
  const [one, other] = [await reopened(), await reopened()];
  one.add(fresh("a"));
  await soon(async () => {
    expect(await kept("a")).toBeDefined();
  });
  await other.open();
  one.change("a", (job) => accepted(job, { id: "id", token: "secret" }));
  other.change("a", (job) => ({ ...job, stage: "waiting", estimate: 3 }));
  await other.renew("a");
  expect(other.job("a")).toMatchObject({ stage: "following", keys: { token: "secret" } });
  expect((await kept("a"))?.keys).toEqual({ id: "id", token: "secret" });
});

test("what an older page kept and this one cannot read is left alone", async () => {
  const shelf = await reopened();
  shelf.add(fresh("a"));
  shelf.add({ ...fresh("old"), wish: null } as unknown as Job);
  await soon(async () => {
    expect((await reopened()).state().jobs.map((job) => job.key)).toEqual(["a"]);
  });
});

test("a browser whose store never answers is not waited for", async () => {
  const working = globalThis.indexedDB;
  Object.defineProperty(globalThis, "indexedDB", { configurable: true, value: { open: () => ({}) } });
  vi.useFakeTimers();
  try {
    const shelf = new Shelf("silent");
    const opened = shelf.open();
    await vi.advanceTimersByTimeAsync(10_000);
    await opened;
    expect(shelf.state().keeps).toBe(false);
  } finally {
    vi.useRealTimers();
    Object.defineProperty(globalThis, "indexedDB", { configurable: true, value: working });
  }
});

test("keys are unique and look like the service's ids", () => {
  const keys = Array.from({ length: 100 }, newKey);
  expect(new Set(keys).size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test("a browser that keeps nothing is noticed, and the page goes on from memory", async () => {
  const working = globalThis.indexedDB;
  Object.defineProperty(globalThis, "indexedDB", { configurable: true, value: { open: () => { throw new DOMException("private window"); } } });
  try {
    const shelf = new Shelf("private");
    await shelf.open();
    shelf.add(fresh("a"), { photo: new Blob(["x"]) });
    expect(shelf.state()).toMatchObject({ keeps: false, jobs: [{ key: "a" }] });
    expect(await (await shelf.picture("a", "photo"))?.text()).toBe("x");
  } finally {
    Object.defineProperty(globalThis, "indexedDB", { configurable: true, value: working });
  }
});

test("listeners hear of changes, and of nothing else", async () => {
  const shelf = await reopened();
  shelf.add(fresh("a"));
  const listener = vi.fn();
  const leave = shelf.subscribe(listener);
  shelf.change("a", (job) => job);
  expect(listener).not.toHaveBeenCalled();
  shelf.change("a", (job) => ({ ...job, stage: "sending" }));
  leave();
  shelf.remove("a");
  expect(listener).toHaveBeenCalledTimes(1);
});

test("an ended job changes no more, and can go again", () => {
  const done = { id: "i", state: "done", result: { width: 6, height: 4 } } as Status;
  const ended = told(accepted(fresh("a"), { id: "i", token: "t" }), done, 5);
  expect(ended).toMatchObject({ stage: "ended", width: 6, height: 4 });
  expect(isUnderWay(ended)).toBe(false);
  expect(canGoAgain(ended)).toBe(true);
  expect(told(ended, { ...done, state: "running" }, 6)).toBe(ended);
});

test("a photo given up in one tab stays so for the others, whatever they still write", async () => {
  const first = await reopened();
  first.add(fresh("a"));
  await soon(async () => { expect(await kept("a")).toBeDefined(); });
  const second = await reopened();
  first.change("a", (job) => moved(job, "withdrawn"));
  await soon(async () => { expect((await kept("a"))?.stage).toBe("withdrawn"); });
  second.change("a", (job) => accepted(job, { id: "id", token: "secret" }));
  await soon(async () => {
    expect(await kept("a")).toMatchObject({ stage: "withdrawn", keys: { id: "id" } });
  });
  await second.renew("a");
  expect(second.job("a")?.stage).toBe("withdrawn");
});

test("a photo removed in one tab is not sent by another that waits its turn", async () => {
  const first = await reopened();
  first.add(fresh("a"), { photo: new Blob(["dark"]) });
  await soon(async () => { expect(await kept("a")).toBeDefined(); });
  const second = await reopened();
  first.remove("a");
  await soon(async () => { expect(await kept("a")).toBeUndefined(); });
  await second.renew("a");
  expect(second.job("a")).toBeUndefined();
});

test("a photo that was given up changes no more", () => {
  const withdrawn = moved(fresh("a"), "withdrawn");
  expect(moved(withdrawn, "sending")).toBe(withdrawn);
  expect(accepted(withdrawn, { id: "id", token: "secret" })).toMatchObject({ stage: "withdrawn", keys: { id: "id" } });
  expect(isUnderWay(withdrawn)).toBe(false);
});
