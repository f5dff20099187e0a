// Photos that are given up: whatever the service has of them is erased, also when it is told late.
import type { Page } from "@playwright/test";
import { Gateway } from "./gateway";
import { drop, nightJpeg } from "./photos";
import { expect, test as base, type Service } from "./service";

const READY = { timeout: 60_000 };

const test = base.extend<{ gateway: Gateway }>({
  gateway: async ({ page, service }, use) => {
    const gateway = new Gateway(service);
    await page.goto(await gateway.open());
    await use(gateway);
    gateway.close();
  },
});

async function isGone({ url }: Service, id: string | undefined): Promise<boolean> {
  return (await fetch(`${url}/status/${id ?? ""}`)).status === 404;
}

async function cancel(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Cancel" }).click();
  await expect(page.locator(".welcome")).toBeVisible();
}

async function sent(page: Page, gateway: Gateway): Promise<void> {
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await expect.poll(() => gateway.taken, READY).toHaveLength(1);
  await expect(page.getByText("Checking the photo")).toBeVisible(READY);
}

test("a photo given up before its answer came is erased after a reload: the same key tells its id", async ({ page, service, gateway }) => {
  await sent(page, gateway);
  await cancel(page);
  await page.reload();
  await expect(page.locator(".welcome")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Your photos" })).toHaveCount(0);
  gateway.release();
  await expect.poll(() => isGone(service, gateway.taken[0]), READY).toBe(true);
  expect(new Set(gateway.taken).size).toBe(1);
});

test("a photo given up while its answer is on its way is erased when that comes", async ({ page, service, gateway }) => {
  await sent(page, gateway);
  await cancel(page);
  gateway.release();
  await expect.poll(() => isGone(service, gateway.taken[0]), READY).toBe(true);
  expect(gateway.taken).toHaveLength(1);
});

test("a photo given up offline is erased when the network is back, and the page says so until then", async ({ page, context, service }) => {
  await page.route(/\/(events|status)\//, (route) => route.abort()); // so that it stays under way
  await page.goto("/");
  const answer = page.waitForResponse((each) => each.url().endsWith("/upload") && each.request().method() === "POST");
  await drop(page, [await nightJpeg(page, 320, 240)]);
  const { id } = (await (await answer).json()) as { id: string };
  await expect(page.getByRole("button", { name: "Cancel" })).toBeVisible(READY);
  await context.setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await cancel(page);
  await expect(page.getByText("A photo that you gave up may be on the service still.")).toBeVisible();
  expect(await isGone(service, id)).toBe(false);
  await context.setOffline(false);
  await expect.poll(() => isGone(service, id), READY).toBe(true);
  await expect(page.getByText("A photo that you gave up")).toHaveCount(0);
});

test("a photo that nothing was sent of is not sent once it is given up", async ({ page }) => {
  await page.goto("/");
  await page.route("**/upload", (route) => route.abort());
  const asked = page.waitForRequest("**/upload");
  await drop(page, [await nightJpeg(page, 320, 240)]);
  await asked;
  await cancel(page);
  const uploads: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/upload")) uploads.push(request.url());
  });
  await page.reload();
  await expect(page.locator(".welcome")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Your photos" })).toHaveCount(0);
  expect(uploads).toEqual([]);
});
