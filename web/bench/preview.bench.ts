// From the photo's arrival to its first painted preview, each time on a page just opened; milliseconds and CPU seconds.
import { chromium, devices, expect, test, type Browser } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

interface Asked {
  url: string;
  photos: Record<string, string>;
  drops: number;
  out: string;
}

interface Drop {
  photo: string;
  screen: string;
  shown_ms: number;
  cpu_s: number;
  how: string | null;
}

const asked = JSON.parse(process.env.ASKED ?? "{}") as Asked;
const SCREENS = { desktop: { viewport: { width: 1440, height: 900 } }, phone: devices["Pixel 7"] };
const QUIET_MS = 1200; // after loading, when the page has nothing more to do
const SETTLE_MS = 1500; // whatever the drop still makes the browser do counts as CPU time

test("drops", async ({ launchOptions }) => {
  test.setTimeout(600_000);
  const found: Drop[] = [];
  const browser = await chromium.launch(launchOptions);
  for (const [screen, device] of Object.entries(SCREENS)) {
    for (const [photo, path] of Object.entries(asked.photos)) {
      if (screen === "phone" && photo !== "12 MP JPEG") continue;
      for (let drop = 0; drop < asked.drops; drop += 1) found.push({ photo, screen, ...(await dropped(browser, device, path)) });
    }
  }
  await browser.close();
  writeFileSync(asked.out, JSON.stringify(found));
});

async function dropped(browser: Browser, device: object, path: string): Promise<Omit<Drop, "photo" | "screen">> {
  const context = await browser.newContext(device);
  const page = await context.newPage();
  await page.addInitScript(() => {
    addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement && target.files?.length) performance.mark("dropped");
    }, { capture: true });
    new MutationObserver((_, observer) => {
      if (!document.querySelector(".canvas[data-how]")) return;
      observer.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => { // the second frame begins when the first is painted
        performance.measure("preview", "dropped");
      }));
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  await page.goto(asked.url);
  await page.waitForLoadState("networkidle");
  await sleep(QUIET_MS);
  const before = await cpuSeconds(browser);
  await page.setInputFiles("#photos", path);
  await expect(page.locator(".canvas[data-how]")).toBeVisible();
  const how = await page.locator(".canvas").getAttribute("data-how");
  await sleep(SETTLE_MS);
  const after = await cpuSeconds(browser);
  const shown = await page.evaluate(() => performance.getEntriesByName("preview")[0]?.duration ?? Number.NaN);
  await context.close();
  return { shown_ms: shown, cpu_s: after - before, how };
}

/** Of all the browser's processes. */
async function cpuSeconds(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0);
}
