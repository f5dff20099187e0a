// What a page meets out there: hostile names, proxies with pages of their own, half answers, browsers that keep nothing,
// clocks that are wrong, pages without https, a second tab.
import type { Page } from "@playwright/test";
import { drop, nightJpeg } from "./photos";
import { expect, test } from "./service";

const READY = { timeout: 60_000 };
const DAY_MS = 86_400_000;

const download = (page: Page) => page.getByRole("link", { name: "Download" });

function count(page: Page, path: string, method = "GET"): { times: number } {
  const counted = { times: 0 };
  page.on("request", (request) => {
    if (new URL(request.url()).pathname.startsWith(path) && request.method() === method) counted.times += 1;
  });
  return counted;
}

test("a file's name is only ever text", async ({ page }) => {
  let alarmed = false;
  page.on("dialog", (dialog) => {
    alarmed = true;
    void dialog.dismiss();
  });
  await page.goto("/");
  const name = `<img src=x onerror=alert(1)>\u202Egpj.🌃 ${"very long ".repeat(30)}.jpg`;
  await drop(page, [await nightJpeg(page, 320, 240, { name })]);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name);
  await expect(download(page)).toBeVisible(READY);
  await expect(page.locator("img[src=x]")).toHaveCount(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
  expect(alarmed).toBe(false);
});

for (const [what, answer] of [
  ["a proxy's own page", { status: 502, contentType: "text/html", body: "<h1>502 Bad Gateway</h1>" }],
  ["a hotel's login page", { status: 200, contentType: "text/html", body: "<h1>Welcome to our network</h1>" }],
  ["an answer of wrong types", { status: 200, json: { id: 5, state: "done", progress: "1", result: 7 } }],
] as const) {
  test(`${what} in place of the status is waited out, and never shown`, async ({ page }) => {
    await page.route("**/events/*", (route) => route.abort());
    await page.route("**/status/*", (route) => route.fulfill(answer));
    const asked = count(page, "/status/");
    await page.goto("/");
    await drop(page, [await nightJpeg(page, 320, 240)]);
    await expect(page.getByText("The service does not answer. We keep trying.")).toBeVisible(READY);
    await expect.poll(() => asked.times).toBeGreaterThan(2);
    await page.unroute("**/status/*");
    await expect(download(page)).toBeVisible(READY);
    expect(asked.times).toBeLessThan(20);
  });
}

for (const [what, body] of [
  ["are cut in the middle of a word", 'event: status\nid: 1\ndata: {"id":"a","state":"runn\n\n'],
  ["end after each snapshot", `event: status\nid: 1\ndata: ${JSON.stringify({ id: "a", state: "queued", phase: "in_line", progress: 0, attempts: 0, usual_seconds: null, slower_than_usual: false, eta_seconds: null, queue_position: 1 })}\n\n`],
] as const) {
  test(`streams that ${what} are replaced by waiting requests`, async ({ page }) => {
    await page.route("**/events/*", (route) => route.fulfill({ contentType: "text/event-stream", body }));
    const streams = count(page, "/events/");
    await page.goto("/");
    await drop(page, [await nightJpeg(page, 320, 240)]);
    await expect(download(page)).toBeVisible(READY);
    expect(streams.times).toBeLessThanOrEqual(2);
  });
}

for (const [what, status, told] of [
  ["takes no large files", 413, "The file is too large."],
  ["wants a sign-in", 403, "Reload the page and sign in if you are asked to."],
] as const) {
  test(`a proxy that ${what} is asked once, and told apart from one that is down`, async ({ page }) => {
    await page.route("**/upload", (route) => route.fulfill({ status, contentType: "text/html", body: "<h1>A proxy's own page</h1>" }));
    const sent = count(page, "/upload", "POST");
    await page.goto("/");
    await drop(page, [await nightJpeg(page, 320, 240)]);
    await expect(page.getByRole("alert")).toContainText(told, READY);
    expect(sent.times).toBe(1);
  });
}

test("a browser that denies the page every store still brightens photos", async ({ page }) => {
  await page.addInitScript(() => {
    for (const name of ["indexedDB", "localStorage", "sessionStorage"]) {
      Object.defineProperty(globalThis, name, { get: () => { throw new DOMException("denied", "SecurityError"); } });
    }
  });
  await page.goto("/");
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await expect(page.getByText("This browser keeps nothing for later")).toBeVisible();
  await expect(download(page)).toBeVisible(READY);
});

test("a browser whose store is full says so and goes on", async ({ page }) => {
  await page.addInitScript(() => {
    IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
  });
  await page.goto("/");
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await expect(page.getByText("This browser keeps nothing for later")).toBeVisible();
  await expect(download(page)).toBeVisible(READY);
});

test("a phone of the home network, without https and two days ahead, gets its picture", async ({ page, service }) => {
  await page.addInitScript((ahead) => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + ahead;
  }, 2 * DAY_MS);
  await page.goto(`http://photos.home:${service.port}`);
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await expect(download(page)).toBeVisible(READY);
  await page.getByRole("button", { name: "Share" }).click();
  await expect(page.getByText("Copy this link:")).toBeVisible();
});

test("a second tab does not send a photo that the first one is sending", async ({ page, context }) => {
  await page.goto("/");
  const other = await context.newPage();
  const sent = [count(page, "/upload", "POST"), count(other, "/upload", "POST")];
  const held: (() => void)[] = [];
  await page.route("**/upload", async (route) => {
    await new Promise<void>((resolve) => held.push(resolve));
    await route.continue();
  });
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await expect.poll(() => held.length).toBe(1);
  await other.goto("/");
  const strip = other.getByRole("navigation", { name: "Your photos" });
  await strip.getByRole("button", { name: /night\.jpg/ }).click();
  await expect(other.getByText("Waiting for the upload before it")).toBeVisible();
  for (const release of held) release();
  await expect(download(page)).toBeVisible(READY);
  await expect(download(other)).toBeVisible(READY);
  expect(sent.map(({ times }) => times)).toEqual([1, 0]);
  await other.getByRole("button", { name: "Delete", exact: true }).click();
  await other.getByRole("button", { name: "Delete now" }).click(); // the other tab has the owner's token, too
  await expect(other.locator(".welcome")).toBeVisible();
});
