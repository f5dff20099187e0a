// Bad days: files that are no photos, a full quota, a service that goes away, a lost network, a dead worker, a reload.
import { drop, nightJpeg } from "./photos";
import { expect, test, withService } from "./service";

const READY = { timeout: 60_000 };
const HEADING = "Drop a photo taken in the dark";

function text(name: string, content: string) {
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(content) };
}

test("several photos are taken at once, and files that are none are named with reason and cure, unsent", async ({ page }) => {
  const uploads: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/upload")) uploads.push(request.method());
  });
  await page.goto("/");
  const photos = [await nightJpeg(page, 320, 240, { name: "one.jpg" }), await nightJpeg(page, 240, 320, { name: "two.jpg", seed: 7 })];
  await drop(page, [text("notes.pdf", "%PDF-1.7"), photos[0]!, text("dance.gif", "GIF89a"), photos[1]!, text("nothing.jpg", "")]); // eslint-disable-line @typescript-eslint/no-non-null-assertion -- both were just made
  const alert = page.getByRole("alert");
  await expect(alert.getByText("notes.pdf")).toBeVisible();
  await expect(alert).toContainText("Choose a JPEG, PNG, WebP, TIFF, HEIC, AVIF or camera raw.");
  await expect(alert).toContainText("GIF pictures cannot be read.");
  await expect(alert).toContainText("The file is empty.");
  const strip = page.getByRole("navigation", { name: "Your photos" });
  await expect(strip.getByRole("button", { name: "one.jpg, done" })).toBeVisible(READY);
  await expect(strip.getByRole("button", { name: "two.jpg, done" })).toBeVisible(READY);
  expect(uploads).toEqual(["POST", "POST"]);
  await strip.getByRole("button", { name: "two.jpg, done" }).click();
  await expect(page.getByText("240 × 320")).toBeVisible();
  await alert.getByRole("button", { name: "Close" }).click();
  await expect(page.getByText("notes.pdf")).toHaveCount(0);
});

test("a photo that the service cannot read is told in its words, and can be dismissed", async ({ page }) => {
  await page.goto("/");
  const whole = await nightJpeg(page);
  await drop(page, [{ ...whole, name: "cut-off.jpg", buffer: whole.buffer.subarray(0, 200) }]);
  await expect(page.getByRole("alert").getByText("This photo was not taken")).toBeVisible(READY);
  await expect(page.getByRole("alert")).toContainText("Open it in another program and save it again.");
  await page.getByRole("button", { name: "Dismiss" }).click();
  await expect(page.getByRole("heading", { name: HEADING })).toBeVisible();
});

test("whoever sent too many is told when the next may come", async ({ page }) => {
  await withService({ UPLOAD_LIMIT: "1" }, async (service) => {
    await page.goto(service.url);
    await drop(page, [await nightJpeg(page, 320, 240), await nightJpeg(page, 320, 240, { name: "second.jpg", seed: 5 })]);
    const second = page.getByRole("navigation", { name: "Your photos" }).getByRole("button", { name: /second\.jpg, failed/ });
    await expect(second).toBeVisible(READY);
    await second.click();
    await expect(page.getByRole("alert")).toContainText("You have sent many photos lately.");
    await expect(page.getByRole("button", { name: /Again in \d+ (s|min|h)/ })).toBeDisabled();
  });
});

test("a service restarted in the middle of the wait loses nothing, and neither does a reload", async ({ page }) => {
  await withService({ FLEET: "none:" }, async (service) => {
    await page.goto(service.url);
    await drop(page, [await nightJpeg(page)]);
    await expect(page.getByText("No worker is running. Your photo is kept until one comes")).toBeVisible(READY);
    await service.stop();
    await expect(page.getByText("The service does not answer. We keep trying.")).toBeVisible(READY);
    await service.start();
    await expect(page.getByText("The service does not answer. We keep trying.")).toHaveCount(0, READY);
    await page.reload();
    await expect(page.getByRole("heading", { name: "night.jpg" })).toBeVisible();
    await expect(page.locator(".canvas[data-how]")).toBeVisible();
    await expect(page.getByText("No worker is running. Your photo is kept until one comes")).toBeVisible(READY);
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect(page.getByRole("heading", { name: HEADING })).toBeVisible();
  });
});

test("offline, the photo waits in the browser, and goes when the network is back", async ({ page, context }) => {
  const weights = page.waitForResponse(/\.safetensors$/); // what previews need comes after the page itself
  await page.goto("/");
  await (await weights).finished();
  const photo = await nightJpeg(page);
  await context.setOffline(true);
  await drop(page, [photo]);
  await expect(page.getByText("You are offline. Your photos are safe here")).toBeVisible();
  await expect(page.locator(".canvas[data-how]")).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
  await expect(page.getByText("You are offline.")).toHaveCount(0);
});

test("a worker that is killed costs an attempt, not the photo", async ({ page }) => {
  await withService({ ENGINE_THREADS: "1" }, async (service) => {
    await page.goto(service.url);
    await drop(page, [await nightJpeg(page, 4000, 3000)]);
    await expect(page.getByText(/Reading the photo|Turning the light on/)).toBeVisible(READY);
    expect(service.killWorkers()).toBeGreaterThan(0);
    await expect(page.getByRole("link", { name: "Download" })).toBeVisible({ timeout: 150_000 });
  });
});

test("server-sent events that a proxy holds back are replaced by waiting requests, never by a tight poll", async ({ page }) => {
  await page.route("**/events/*", (route) => route.abort());
  const asked: number[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/status/")) asked.push(Date.now());
  });
  await page.goto("/");
  await drop(page, [await nightJpeg(page, 1600, 1200)]);
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
  expect(asked.length).toBeGreaterThan(0);
  const lasted = (asked.at(-1) ?? 0) - (asked[0] ?? 0);
  expect(asked.length).toBeLessThan(12 + lasted / 500);
});

test("nobody's machine is started before a person shows up", async ({ page }) => {
  const warmed: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/warm") && request.method() === "POST") warmed.push(request.postData() ?? "");
  });
  await page.goto("/");
  await expect(page.getByRole("img", { name: /machine/i })).toBeVisible();
  expect(warmed).toEqual([]);
  await page.mouse.move(200, 200);
  await expect.poll(() => warmed).toEqual(['{"intent":"view"}']);
  await page.dispatchEvent(".page", "dragenter", {
    dataTransfer: await page.evaluateHandle(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["x"], "x.jpg", { type: "image/jpeg" }));
      return transfer;
    }),
  });
  await expect.poll(() => warmed).toEqual(['{"intent":"view"}', '{"intent":"pick"}']);
});
