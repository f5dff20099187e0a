// The whole way of a photo: drop, preview, phases, result, compare, another exposure, download, share, delete.
import { readFileSync } from "node:fs";
import { drop, nightJpeg } from "./photos";
import { expect, test } from "./service";

test("a dark photo becomes bright, is compared, downloaded and deleted", async ({ page, service }) => {
  const upload = page.waitForRequest((request) => request.url().endsWith("/upload") && request.method() === "POST");
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Drop a photo taken in the dark" })).toBeVisible();
  await drop(page, [await nightJpeg(page, 1200, 800)]);

  await expect(page.locator(".canvas[data-how]")).toBeVisible();
  await expect(page.getByRole("heading", { name: "night.jpg" })).toBeVisible();
  expect((await upload).headers()["idempotency-key"]).toMatch(/^page-[0-9a-f-]{36}$/);

  const download = page.getByRole("link", { name: "Download" });
  await expect(download).toBeVisible({ timeout: 60_000 });
  await expect(page.locator(".result[data-shown=true]")).toBeVisible();
  await expect(page.getByText("1200 × 800")).toBeVisible();

  const divide = page.getByRole("slider", { name: "Divide between before and after" });
  await divide.focus();
  await page.keyboard.press("ArrowRight");
  await expect(divide).toHaveAttribute("aria-valuenow", "55");

  const stage = page.getByRole("group", { name: "Photo, before and after" });
  const picture = page.locator(".result");
  const whole = (await picture.boundingBox())?.width ?? 0;
  await stage.focus();
  await page.keyboard.press("+");
  await expect.poll(async () => (await picture.boundingBox())?.width ?? 0).toBeGreaterThan(whole * 1.4);
  const left = (await picture.boundingBox())?.x ?? 0;
  await page.keyboard.press("ArrowLeft");
  await expect.poll(async () => (await picture.boundingBox())?.x ?? 0).toBeGreaterThan(left);
  await page.keyboard.press("0");
  await expect.poll(async () => Math.round((await picture.boundingBox())?.width ?? 0)).toBe(Math.round(whole));

  await page.keyboard.down("o");
  await expect(page.locator(".window")).toHaveAttribute("data-held", "true");
  await page.keyboard.up("o");
  await expect(page.locator(".window")).toHaveAttribute("data-held", "false");

  const [saved] = await Promise.all([page.waitForEvent("download"), download.click()]);
  expect(saved.suggestedFilename()).toMatch(/^firstlight-[0-9a-f]{8}\.jpg$/);
  expect(readFileSync(await saved.path()).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));

  const address = await download.getAttribute("href");
  await page.getByRole("button", { name: "Delete" }).click();
  const question = page.getByRole("dialog", { name: "Delete this photo now?" });
  await expect(question).toBeVisible();
  await question.getByRole("button", { name: "Delete now" }).click();
  await expect(page.getByRole("heading", { name: "Drop a photo taken in the dark" })).toBeVisible();
  expect((await fetch(`${service.url}${address ?? ""}`)).status).toBe(404);
});

test("the preview follows the slider, and another exposure needs no other upload", async ({ page }) => {
  await page.goto("/");
  await drop(page, [await nightJpeg(page)]);
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible({ timeout: 60_000 });
  const exposure = page.getByRole("slider", { name: "Exposure" });
  await expect(page.getByRole("button", { name: "Auto" })).toHaveAttribute("aria-pressed", "true");
  await exposure.fill("2");
  await expect(page.locator(".result")).toHaveAttribute("data-shown", "false");
  await expect(page.getByText("Preview", { exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Auto" })).toHaveAttribute("aria-pressed", "false");
  const sent = page.waitForRequest((request) => request.url().endsWith("/upload"));
  await page.getByRole("button", { name: "Brighten like this" }).click();
  expect((await sent).postData() ?? "").toMatch(/name="ratio"\s+4\s[^]*name="again"/);
  await expect(page.locator(".result[data-shown=true]")).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole("navigation", { name: "Your photos" }).getByRole("button")).toHaveCount(2);
});

test("whoever has the link can see and download, not delete", async ({ page, browser, service }) => {
  await page.goto("/");
  await drop(page, [await nightJpeg(page)]);
  const download = page.getByRole("link", { name: "Download" });
  await expect(download).toBeVisible({ timeout: 60_000 });
  const id = (await download.getAttribute("href"))?.replace("/result/", "") ?? "";
  const other = await browser.newContext();
  const guest = await other.newPage();
  await guest.goto(`${service.url}/#${id}`);
  await expect(guest.getByRole("link", { name: "Download" })).toBeVisible();
  await expect(guest.locator(".result[data-shown=true]")).toBeVisible();
  await expect(guest.getByRole("slider", { name: "Divide between before and after" })).toBeVisible();
  await expect(guest.getByRole("button", { name: "Delete" })).toHaveCount(0);
  expect(await guest.evaluate(() => JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage)]))).not.toContain("token");
  await other.close();
});
