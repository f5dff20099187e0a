// A visitor who leaves: what the page says of it, when, and in whose name.
import type { Page } from "@playwright/test";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { drop, nightJpeg } from "./photos";
import { expect, test } from "./service";

const READY = { timeout: 60_000 };

/** The service behind a door that hears what pages say of warmth; the browser's tools lose what a page says last. */
async function behindADoor(port: number, use: (url: string, said: string[]) => Promise<void>): Promise<void> {
  const said: string[] = [];
  const door = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const passed = request({ host: "127.0.0.1", port, method, path, headers }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    if (method === "POST" && path === "/warm") void text(asked).then((body) => { said.push(body); passed.end(body); }, () => passed.destroy());
    else asked.pipe(passed);
  });
  await new Promise<void>((resolve) => {
    door.listen(0, "127.0.0.1", resolve);
  });
  try {
    await use(`http://127.0.0.1:${(door.address() as AddressInfo).port}`, said);
  } finally {
    door.closeAllConnections();
    door.close();
  }
}

/** Sends a photo and waits until it is bright; its id. */
async function brightened(page: Page, seed: number): Promise<string> {
  const taken = page.waitForResponse((answer) => answer.url().endsWith("/upload") && answer.request().method() === "POST");
  await drop(page, [await nightJpeg(page, 320, 240, { seed })]);
  const { id } = (await (await taken).json()) as { id: string };
  await expect(page.locator(".result[data-shown=true]")).toBeVisible(READY);
  return id;
}

async function look(page: Page, state: "visible" | "hidden"): Promise<void> {
  await page.evaluate((now) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => now });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

/** Hears what other tabs tell this one; what they have told so far. */
async function tabsHeard(page: Page): Promise<() => Promise<string[]>> {
  const heard = await page.evaluateHandle(() => {
    const told: string[] = [];
    new BroadcastChannel("firstlight-here").onmessage = ({ data }: MessageEvent<{ is: string }>) => told.push(data.is);
    return told;
  });
  return () => heard.jsonValue();
}

function leaveOf(id: string): string {
  return JSON.stringify({ intent: "leave", photo: id });
}

test("a page that is closed says which photo its visitor leaves behind, and one without a photo says nothing", async ({ page, service }) => {
  await behindADoor(service.port, async (url, said) => {
    await page.goto(url);
    await expect(page.locator(".welcome")).toBeVisible();
    await page.goto("about:blank");
    await page.goto(url);
    const id = await brightened(page, 21);
    expect(said.filter((each) => each.includes("leave"))).toEqual([]);
    await page.goto("about:blank");
    await expect.poll(() => said.at(-1)).toBe(leaveOf(id));
  });
});

test("a hidden page leaves after a while, once, and whoever comes back is heard", async ({ page, service }) => {
  await behindADoor(service.port, async (url, said) => {
    await page.clock.install();
    await page.goto(url);
    const id = await brightened(page, 22);
    await look(page, "hidden");
    await page.clock.runFor(15_000);
    await look(page, "visible");
    await page.clock.runFor(60_000);
    expect(said.filter((each) => each.includes("leave"))).toEqual([]); // only a look at another tab
    await look(page, "hidden");
    await page.clock.runFor(200_000); // more than it takes after a photo was picked
    await expect.poll(() => said.at(-1)).toBe(leaveOf(id));
    expect(said.filter((each) => each.includes("leave"))).toHaveLength(1);
    await look(page, "visible");
    await page.mouse.move(150, 150);
    await page.mouse.move(250, 250);
    await expect.poll(() => said.at(-1)).toBe('{"intent":"view"}');
  });
});

test("while another tab is looked at, one that is closed says nothing", async ({ page, context, service }) => {
  await behindADoor(service.port, async (url, said) => {
    await page.goto(url);
    const id = await brightened(page, 23);
    const told = await tabsHeard(page);
    const other = await context.newPage();
    await other.goto(url);
    await expect(other.locator(".history")).toBeVisible();
    await expect.poll(told).toContain("new");
    const toldOther = await tabsHeard(other);
    await page.goto("about:blank");
    await expect.poll(toldOther).toContain("gone");
    await other.goto("about:blank");
    await expect.poll(() => said.at(-1)).toBe(leaveOf(id));
    expect(said.filter((each) => each.includes("leave"))).toHaveLength(1);
  });
});
