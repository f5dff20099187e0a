// Ways of hands and machines: paste, a phone's camera, two fingers, a laptop that sleeps, a tab that nobody sees.
import { drop, nightJpeg } from "./photos";
import { expect, test } from "./service";

const READY = { timeout: 60_000 };

test("a pasted picture is taken", async ({ page }) => {
  await page.goto("/");
  await expect(page.locator(".welcome")).toBeVisible();
  const photo = await nightJpeg(page, 320, 240);
  await page.evaluate((base64) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], "image.png", { type: "image/jpeg" }));
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, photo.buffer.toString("base64"));
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
});

test("a phone's camera brings a photo, and two fingers look closer", async ({ page }) => {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 5 });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto("/");
  const chooser = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Take a photo" }).click();
  expect(await (await chooser).element().getAttribute("capture")).toBe("environment");
  await (await chooser).setFiles(await nightJpeg(page, 1200, 900, { name: "camera.jpg" }));
  const picture = page.locator(".result[data-shown=true]");
  await expect(picture).toBeVisible(READY);

  const whole = await picture.boundingBox();
  const stage = await page.getByRole("group", { name: "Photo, before and after" }).boundingBox();
  if (!whole || !stage) throw new Error("nothing is shown");
  const [x, y] = [stage.x + stage.width / 4, stage.y + stage.height / 2];
  const fingers = (apart: number): { x: number; y: number; id: number }[] => [-1, 1].map((side, id) => ({ x: x + side * apart, y, id }));
  await devtools.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: fingers(10) });
  for (const apart of [16, 24, 32, 40]) await devtools.send("Input.dispatchTouchEvent", { type: "touchMove", touchPoints: fingers(apart) });
  await devtools.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await expect.poll(async () => (await picture.boundingBox())?.width ?? 0).toBeGreaterThan(2 * whole.width);
});

test("a page that slept through the end of its photo shows it at once when it wakes", async ({ page, service }) => {
  await page.route("**/events/*", async (route) => {
    await route.abort();
  });
  await page.goto("/");
  const taken = page.waitForResponse((answer) => answer.url().endsWith("/upload") && answer.request().method() === "POST");
  await drop(page, [await nightJpeg(page, 640, 480)]);
  const { id } = (await (await taken).json()) as { id: string };
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
  await expect.poll(async () => ((await (await fetch(`${service.url}/status/${id}`)).json()) as { state: string }).state, READY).toBe("done");
  await devtools.send("Page.setWebLifecycleState", { state: "active" });
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
});

test("a page that nobody sees warms nothing, whatever moves", async ({ page }) => {
  await page.addInitScript(() => {
    Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
    Object.defineProperty(document, "hidden", { get: () => true });
  });
  const warmed: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/warm") && request.method() === "POST") warmed.push(request.url());
  });
  await page.goto("/");
  await expect(page.locator(".welcome")).toBeVisible();
  await page.mouse.move(200, 200);
  await page.mouse.wheel(0, 50);
  await page.keyboard.press("Tab");
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
  expect(warmed).toEqual([]);
});
