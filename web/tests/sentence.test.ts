// What a waiting person is told, from what the service said last.
import { expect, test } from "vitest";
import type { Phase, Status } from "../src/api/shapes";
import { begun, told, type Job } from "../src/jobs/job";
import { duration, moment, size } from "../src/view/amounts";
import { sentence } from "../src/view/sentence";
import { words } from "../src/words";

const NOW = 1_800_000_000_000;
const STATUS: Status = {
  id: "5b0b3a5c-0000-4000-8000-000000000000",
  state: "queued",
  phase: "starting_machine",
  phase_seconds: 4,
  usual_seconds: 25,
  slower_than_usual: false,
  eta_seconds: 30,
  progress: 0,
  attempts: 0,
  queue_position: 0,
  result: null,
  error: null,
  created_at: "",
  started_at: null,
  ended_at: null,
  expires_at: "",
};

function job(status: Partial<Status> = {}): Job {
  const fresh = begun({ key: "k", name: "night.jpg", size: 4_000_000, now: NOW, wish: { ratio: null, format: "jpeg" } });
  return told({ ...fresh, stage: "following" }, { ...STATUS, ...status }, NOW);
}

test("a phase is told with its usual time, and what is left of all of it", () => {
  const seen = sentence(job(), null, NOW + 3000);
  expect(seen.title).toBe("Starting a machine, usually 25 s.");
  expect(seen.detail).toBe("about 27 s to go");
  expect(seen).toMatchObject({ share: null, slow: false, step: 1 });
});

test("without a network nothing is said to be sent, and what is sent already goes on", () => {
  const fresh = begun({ key: "k", name: "night.jpg", size: 4_000_000, now: NOW, wish: { ratio: null, format: "jpeg" } });
  expect(sentence(fresh, null, NOW, false).title).toBe("Waiting for the connection.");
  expect(sentence(job(), null, NOW, false).title).toBe("Starting a machine, usually 25 s.");
});

test("what is slower than usual is said to be", () => {
  const seen = sentence(job({ slower_than_usual: true }), null, NOW);
  expect(seen.title).toBe("Starting a machine, slower than usual (25 s).");
  expect(seen.slow).toBe(true);
});

test("nothing is promised that was never measured", () => {
  const seen = sentence(job({ usual_seconds: null, eta_seconds: null }), null, NOW);
  expect([seen.title, seen.detail]).toEqual(["Starting a machine.", ""]);
});

test("the line before it and another attempt are told", () => {
  expect(sentence(job({ phase: "in_line", queue_position: 2, eta_seconds: null }), null, NOW).detail).toBe("2 photos before yours");
  expect(sentence(job({ phase: "in_line", queue_position: 1, attempts: 2, eta_seconds: null }), null, NOW).detail).toBe(
    "1 photo before yours · attempt 2",
  );
});

test("only the tiles of the network are a progress that can be shown", () => {
  expect(sentence(job({ phase: "enhancing", progress: 0.4 }), null, NOW).share).toBe(0.4);
  expect(sentence(job({ phase: "encoding", progress: 1 }), null, NOW).share).toBeNull();
});

test("an upload shows its bytes and its speed, and then that the photo is checked", () => {
  const sending: Job = { ...job(), stage: "sending", status: null };
  const seen = sentence(sending, { sent: 1_000_000, size: 4_000_000, speed: 512_000 }, NOW);
  expect(seen).toMatchObject({ title: "Sending.", detail: "1.0 MB of 4.0 MB · 512 KB/s", share: 0.25, step: 0 });
  expect(sentence(sending, { sent: 4_000_000, size: 4_000_000, speed: null }, NOW).title).toBe("Checking the photo.");
});

test("every phase that the service knows has words and a step", () => {
  for (const phase of Object.keys(words.phases) as Phase[]) {
    expect(sentence(job({ phase, usual_seconds: null }), null, NOW).title.length).toBeGreaterThan(5);
  }
});

test("amounts are said as people say them", () => {
  expect([0.2, 1, 59, 99, 100, 3600, 3900, 86_400].map(duration)).toEqual(["1 s", "1 s", "59 s", "99 s", "2 min", "1 h", "1 h 5 min", "24 h"]);
  expect([10, 640_000, 999_600, 4_100_000, 104_857_600].map(size)).toEqual(["1 KB", "640 KB", "1.0 MB", "4.1 MB", "105 MB"]);
  const now = new Date(2026, 10, 22, 22, 0);
  expect(moment(new Date(2026, 10, 23, 9, 5), now, "en-GB")).toBe("tomorrow at 09:05");
  expect(moment(new Date(2026, 10, 22, 23, 59), now, "en-GB")).toBe("today at 23:59");
  expect(moment(new Date(2026, 11, 3, 14, 32), now, "en-GB")).toBe("on 3 Dec at 14:32");
});
