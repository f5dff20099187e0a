// Every state of the page, in scenes: each scene is one visit, each of its steps one state. Tests hold every state to
// what everyone needs; `python -m tests.web screens` writes a picture of each.
import { expect } from "@playwright/test";
import type { Phase } from "../src/api/shapes";
import { words } from "../src/words";
import { asRaw, drop, hover, scenePhoto } from "./photos";
import { bring, chip, failure, finish, refused, says, shows, type Scene, type Visit } from "./scene";
import { ASLEEP, done, failed, problem, waiting } from "./script";

const LINK = "1b671a64-40d5-491e-99b0-da01ff1f3341";
const OUTSTANDING: Partial<Record<Phase, Parameters<typeof waiting>[1]>> = {
  waiting_for_capacity: { phase_seconds: 80 },
  machine_failing: { phase_seconds: 200, attempts: 2 },
  starting_machine: { usual_seconds: 25, eta_seconds: 31 },
  loading_model: { usual_seconds: 4, eta_seconds: 7 },
  in_line: { queue_position: 3, usual_seconds: 9, eta_seconds: 14 },
  enhancing: { state: "running", progress: 0.62, usual_seconds: 3, eta_seconds: 2 },
};

export const SCENES: readonly Scene[] = [
  {
    name: "welcome",
    steps: [
      chip("empty", ASLEEP, words.machine.none),
      chip("warm", { ...ASLEEP, state: "ready" }, words.machine.ready),
      chip("starting", { ...ASLEEP, state: "starting", phase: "starting_machine", eta_seconds: 21 }, /^A machine is starting/),
      chip("no-answer", null, words.machine.unknown),
      { name: "focus", act: async ({ page }) => { await page.locator(".welcome").getByRole("button").first().focus(); } },
      { name: "skip-link", act: async ({ page }) => { await page.getByRole("link", { name: words.skip }).focus(); } },
      {
        name: "sample-failed",
        act: async ({ page }) => {
          await page.route("**/sample-*.jpg", (route) => route.abort());
          await page.getByRole("button", { name: words.welcome.sample }).click();
          await says(page, words.sample.failed);
        },
      },
      { name: "dragging", act: async ({ page }) => { await hover(page); await says(page, words.drop.title); } },
    ],
  },
  {
    name: "refused",
    steps: [
      {
        name: "one-file",
        act: async ({ page }) => {
          await drop(page, [{ name: "notes.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") }]);
          await says(page, "notes.pdf");
        },
      },
      {
        name: "several-files",
        act: async ({ page }) => {
          const names = [`${"a-very-long-name-".repeat(9)}.gif`, "פרח בלילה.psd", "🌃🌉 <b>night</b>.bmp"];
          const heads = ["GIF89a", "8BPS", "BM"];
          await drop(page, names.map((name, at) => ({ name, mimeType: "", buffer: Buffer.from(heads[at] ?? "") })));
          await says(page, /פרח/);
        },
      },
    ],
  },
  {
    name: "sending",
    before: async ({ page, script }) => {
      script.refusal = "real";
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Network.enable");
      await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 20, downloadThroughput: -1, uploadThroughput: 30_000 });
    },
    steps: [
      {
        name: "upload",
        act: async (visit) => {
          await bring(visit, 1280, 720, "Coffee at night.jpg", 6_000_000); // three minutes' worth
          await says(visit.page, / of 6.*\/s/);
          await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
        },
      },
      { name: "second-in-line", act: async (visit) => { await bring(visit, 800, 1200, "Portrait.jpg"); await says(visit.page, words.progress.queuedHere); } },
    ],
  },
  {
    name: "waiting",
    steps: [
      ...(Object.keys(words.phases) as Phase[]).map((phase, at) => ({
        name: phase,
        act: async (visit: Visit): Promise<void> => {
          visit.script.fate = waiting(phase, OUTSTANDING[phase]);
          if (at === 0) await bring(visit);
          else await visit.script.turn(visit.script.fate);
          await says(visit.page, new RegExp(words.phases[phase]));
          await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
        },
      })),
      {
        name: "slower-than-usual",
        act: async ({ page, script }) => {
          await script.turn(waiting("starting_machine", { usual_seconds: 25, phase_seconds: 95, slower_than_usual: true }));
          await says(page, /slower than usual/);
        },
      },
      { name: "another-exposure-tried", act: async ({ page }) => { await page.getByRole("slider", { name: words.exposure.label }).fill("6.5"); await says(page, words.exposure.apply); } },
      { name: "no-answer", act: async ({ page, script }) => { await script.turn("away"); await says(page, words.notices.away); } },
      { name: "offline", act: async ({ page }) => { await page.context().setOffline(true); await says(page, words.notices.offline); } },
      { name: "given-up-offline", act: async ({ page, script }) => { script.deletes = "away"; await page.getByRole("button", { name: words.progress.cancel }).click(); await says(page, words.notices.owed); } },
    ],
  },
  failure("photo", "photo_kills_decoder", "The photo stopped the program that reads it.", "", "Save it again elsewhere."),
  failure("size", "too_many_pixels", "The photo has too many pixels.", "It has 108 megapixels: 12,000 × 9,000.", "Send at most 64 megapixels."),
  failure("attempts", "no_attempts_left", "The photo failed three times.", "The last time its machine was taken away.", "Send it again; if it fails again, tell us."),
  failure("deadline", "deadline_passed", "The photo waited too long for a machine.", "", "Send it again later."),
  failure("internal", "internal", "Something broke on our side.", "", "Try again; nothing you did is wrong."),
  refused("rate-limited", problem(429, "rate_limited", "You have sent many photos lately.", "Wait a little, then send the next."), /Again in/, 1500),
  refused("unreadable", problem(422, "unreadable_photo", "The photo cannot be read.", "Open it in another program and save it again."), "Open it in another program and save it again."),
  refused("too-large", problem(413, "photo_too_large", "The file is too large.", "Send a photo of at most 100 MB.", "It may have at most 100,000,000 bytes."), /at most 100 MB/),
  {
    name: "done",
    steps: [
      { name: "compare", act: (visit) => finish(visit) },
      { name: "focus-handle", act: async ({ page }) => { await page.getByRole("slider", { name: words.stage.handle }).focus(); await page.keyboard.press("ArrowLeft"); } },
      {
        name: "another-exposure",
        act: async ({ page }) => {
          await page.getByRole("slider", { name: words.exposure.label }).fill("7");
          await says(page, words.exposure.apply);
        },
      },
      { name: "back", act: async ({ page }) => { await page.getByRole("button", { name: words.exposure.reset }).click(); await shows(page); } },
      { name: "zoomed", act: async ({ page }) => { await page.getByRole("button", { name: words.stage.full }).click(); await page.getByRole("button", { name: words.stage.zoomIn }).click(); } },
      { name: "original-held", act: async ({ page }) => { await page.keyboard.down("o"); await expect(page.locator(".window")).toHaveAttribute("data-held", "true"); } },
      {
        name: "shared-link-copied",
        act: async ({ page }) => {
          await page.keyboard.up("o");
          await page.getByRole("button", { name: words.stage.fit }).click();
          await page.evaluate(() => { Object.defineProperty(navigator.clipboard, "writeText", { value: () => Promise.resolve() }); });
          await page.getByRole("button", { name: words.result.share }).click();
          await says(page, words.result.shareNote);
        },
      },
      {
        name: "shared-link-by-hand",
        act: async ({ page }) => {
          await page.reload();
          await shows(page);
          await page.evaluate(() => { Object.defineProperty(navigator.clipboard, "writeText", { value: () => Promise.reject(new Error("denied")) }); });
          await page.getByRole("button", { name: words.result.share }).click();
          await says(page, words.result.shareByHand);
        },
      },
      { name: "delete", act: async ({ page }) => { await page.getByRole("button", { name: words.result.remove, exact: true }).click(); await expect(page.getByRole("dialog")).toBeVisible(); } },
      {
        name: "delete-failed",
        act: async ({ page, script }) => {
          script.deletes = "away";
          await page.getByRole("button", { name: words.removal.yes }).click();
          await says(page, words.removal.failed);
        },
      },
    ],
  },
  { name: "done-portrait", steps: [{ name: "compare", act: (visit) => finish(visit, 800, 1200) }] },
  {
    name: "done-panorama",
    steps: [{ name: "long-name", act: (visit) => finish(visit, 1600, 320, `${"Die längste Nacht am Hafen von ".repeat(6)}Göteborg.jpg`) }],
  },
  {
    name: "done-tiff",
    steps: [
      {
        name: "preview-stays",
        act: async (visit) => {
          visit.script.fate = done(1280, 720, { media_type: "image/tiff", size: 5_530_000 });
          await bring(visit);
          await says(visit.page, words.stage.noResult("tiff"));
          await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
        },
      },
    ],
  },
  {
    name: "raw",
    steps: [
      {
        name: "judged-by-the-camera",
        act: async ({ page, script }) => {
          script.fate = waiting("starting_machine", OUTSTANDING.starting_machine);
          await drop(page, [asRaw(await scenePhoto(page, 1280, 720))]);
          await expect(page.locator(".canvas[data-how]")).toBeVisible();
          const slider = page.getByRole("slider", { name: words.exposure.label });
          await expect(slider).toHaveAccessibleDescription(words.exposure.byCamera);
          await expect(slider).toHaveAttribute("aria-valuetext", /^about /);
        },
      },
      {
        name: "judged-by-the-service",
        act: async ({ page, script }) => {
          script.result = await scenePhoto(page, 1280, 720, 4);
          await script.turn(done(1280, 720));
          await shows(page);
          const slider = page.getByRole("slider", { name: words.exposure.label });
          await expect(slider).toHaveAccessibleDescription("");
          await expect(slider).toHaveAttribute("aria-valuetext", /^3\.2 stops/);
        },
      },
    ],
  },
  {
    name: "no-preview",
    steps: [
      {
        name: "waiting",
        act: async ({ page }) => {
          const tiff = Buffer.concat([Buffer.from("II*\0\x08\0\0\0\0\0\0\0\0\0", "latin1"), Buffer.alloc(600)]);
          await drop(page, [{ name: "Scan.tif", mimeType: "image/tiff", buffer: tiff }]);
          await says(page, words.stage.noPreview);
        },
      },
    ],
  },
  {
    name: "ended",
    steps: [
      { name: "gone", act: async (visit) => { visit.script.fate = "gone"; await bring(visit); await says(visit.page, words.failed.gone); } },
      { name: "cancelled", act: async (visit) => { visit.script.fate = { state: "cancelled" }; await bring(visit); await says(visit.page, words.failed.cancelledLead); } },
    ],
  },
  {
    name: "shared",
    before: async ({ page, script }) => {
      await page.goto("/");
      script.original = await scenePhoto(page, 1280, 720);
      script.result = await scenePhoto(page, 1280, 720, 4);
      script.know(LINK, done(1280, 720));
    },
    address: `/#${LINK}`,
    steps: [{ name: "seen", act: async ({ page }) => { await page.reload(); await shows(page); await says(page, words.shared.title); } }],
  },
  {
    name: "shared-gone",
    before: ({ script }) => { script.know(LINK, "gone"); return Promise.resolve(); },
    address: `/#${LINK}`,
    steps: [{ name: "told", act: async ({ page }) => { await says(page, words.failed.gone); } }],
  },
  {
    name: "history",
    steps: [
      {
        name: "of-all-kinds",
        act: async (visit) => {
          const shapes = [[1280, 720], [800, 1200], [1600, 320], [900, 900]] as const;
          for (let at = 0; at < 11; at += 1) {
            const [width, height] = shapes[at % shapes.length] ?? [640, 427];
            const fates = [done(width, height), waiting("in_line", { queue_position: at }), "gone", failed("internal", "Something broke on our side.", "", "Try again.")] as const;
            visit.script.fate = at % 2 ? done(width, height) : (fates[(at / 2) % fates.length] ?? "gone");
            await bring(visit, width, height, `Night ${at}.jpg`);
            await expect(visit.page.getByRole("button", { name: new RegExp(`Night ${at}\\.jpg, (done|failed|gone|working)`) })).toBeVisible();
            await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
          }
        },
      },
      { name: "beside-welcome", act: async ({ page }) => { await page.getByRole("button", { name: words.name }).click(); await expect(page.locator(".welcome")).toBeVisible(); } },
    ],
  },
  {
    name: "nothing-kept",
    before: ({ page }) => page.addInitScript(() => { Object.defineProperty(globalThis, "indexedDB", { get: () => { throw new Error("denied"); } }); }).then(() => undefined),
    steps: [{ name: "told", act: async (visit) => { await bring(visit); await says(visit.page, words.notices.noShelf); } }],
  },
  {
    name: "crash",
    before: ({ page }) => page.addInitScript(() => { Object.defineProperty(Navigator.prototype, "onLine", { get: () => { throw new Error("broken"); } }); }).then(() => undefined),
    steps: [{ name: "told", act: async ({ page }) => { await says(page, words.crashed.title); } }],
  },
  { name: "form", address: "/form", steps: [{ name: "plain", act: async ({ page }) => { await expect(page.getByRole("button", { name: "Brighten" })).toBeVisible(); } }] },
];
