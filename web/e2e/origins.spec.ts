// Several origins for real: the page and the API here, the photos in a store there, as on AWS; and a page of others.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { drop, nightJpeg } from "./photos";
import { expect, freePort, Service, test as base, type Page } from "./service";

const READY = { timeout: 90_000 };
const REHEARSED = ["rehearse", "--engine", "openvino", "--boot-s", "0.2"];

interface Elsewhere {
  cloud: Service;
  /** The origin of somebody else's page, which the service allows. */
  friend: string;
  server: Server;
}

/** One cloud for both tests: S3, SQS, DynamoDB and EC2 from the stand-in, on origins of their own. */
const test = base.extend<object, { elsewhere: Elsewhere }>({
  elsewhere: [
    async ({}, use) => { // eslint-disable-line no-empty-pattern -- Playwright reads the names of what a fixture needs
      const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end("<!doctype html><title>a friend's page</title>"));
      await new Promise<void>((resolve) => { server.listen(0, "127.0.0.1", resolve); });
      const friend = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const port = await freePort();
      const cloud = new Service({ ALLOWED_ORIGINS: `http://127.0.0.1:${port},${friend}` }, REHEARSED, port);
      try {
        await cloud.start();
        await use({ cloud, friend, server });
      } finally {
        await cloud.remove();
        server.close();
      }
    },
    { scope: "worker", timeout: 180_000 },
  ],
});
test.setTimeout(180_000);

/** "METHOD origin/first-part status" of all that went to an origin other than `own`. */
function heardElsewhere(page: Page, own: string): string[] {
  const heard: string[] = [];
  page.on("response", (answer) => {
    const { origin } = new URL(answer.url());
    if (origin !== own && origin.startsWith("http")) heard.push(`${answer.request().method()} ${answer.status()}`);
  });
  return heard;
}

test("a photo goes straight into a store on another origin, and its picture comes from there", async ({ page, elsewhere: { cloud } }) => {
  const abroad = heardElsewhere(page, cloud.url);
  const home: string[] = [];
  page.on("request", (request) => {
    const { pathname, origin } = new URL(request.url());
    if (request.method() === "POST" && origin === cloud.url) home.push(pathname.replace(/[0-9a-f-]{36}/, "ID"));
  });
  await page.goto(cloud.url);
  await drop(page, [await nightJpeg(page, 900, 600)]);
  const download = page.getByRole("link", { name: "Download" });
  await expect(download).toBeVisible(READY);
  await expect(page.locator(".result[data-shown=true]")).toBeVisible();
  expect(home.filter((path) => path !== "/warm")).toEqual(["/upload/direct", "/upload/ID/confirm"]);
  expect(abroad).toEqual(expect.arrayContaining(["POST 201", "GET 200"]));

  const pixel = await page.evaluate(async (address) => {
    const image = new Image();
    image.crossOrigin = "anonymous";
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d");
    context?.drawImage(image, 0, 0);
    return [canvas.width, canvas.height, context?.getImageData(5, 5, 1, 1).data[3]]; // throws if the canvas is tainted
  }, (await download.getAttribute("href")) ?? "");
  expect(pixel).toEqual([900, 600, 255]);

  const divide = page.getByRole("slider", { name: "Divide between before and after" });
  await divide.focus();
  await page.keyboard.press("ArrowRight");
  await expect(divide).toHaveAttribute("aria-valuenow", "55");
  const [saved] = await Promise.all([page.waitForEvent("download"), download.click()]);
  expect(saved.suggestedFilename()).toMatch(/^firstlight-[0-9a-f]{8}\.jpg$/);
  expect(new URL(saved.url()).origin).not.toBe(cloud.url);

  const address = await download.getAttribute("href");
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete now" }).click();
  await expect(page.locator(".welcome")).toBeVisible();
  expect((await fetch(`${cloud.url}${address ?? ""}`)).status).toBe(404);
});

test("where the store does not take photos from the page, the service does, and the store is not asked again", async ({ page, elsewhere: { cloud } }) => {
  const invited: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/upload/direct")) invited.push(request.url());
  });
  await page.route((url) => url.origin !== cloud.url && url.protocol === "http:", (route) => (route.request().method() === "POST" ? route.abort() : route.continue()));
  await page.goto(cloud.url);
  await drop(page, [await nightJpeg(page, 300, 200), await nightJpeg(page, 320, 240, { name: "second.jpg", seed: 3 })]);
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
  await expect(page.getByRole("navigation", { name: "Your photos" }).getByRole("button", { name: "second.jpg, done" })).toBeVisible(READY);
  expect(invited).toHaveLength(1);
});

test("an allowed page of another origin sends a photo, follows it and reads its picture", async ({ page, elsewhere: { cloud, friend } }) => {
  await page.goto(cloud.url);
  const photo = (await nightJpeg(page, 320, 240)).buffer.toString("base64");
  await page.goto(friend);
  const seen = await page.evaluate(
    async ([api, photo]) => {
      const form = new FormData();
      form.append("image", new Blob([Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0))]), "night.jpg");
      const sent = await fetch(`${api}/upload`, { method: "POST", body: form, headers: { "Idempotency-Key": `friend-${crypto.randomUUID()}` } });
      const place = sent.headers.get("Location") ?? "";
      const { id, owner_token } = (await sent.json()) as { id: string; owner_token: string };
      const state = await new Promise<string>((resolve) => {
        const source = new EventSource(`${api}/events/${id}`);
        source.addEventListener("status", (event: MessageEvent<string>) => {
          const { state } = JSON.parse(event.data) as { state: string };
          if (state === "done" || state === "failed") resolve(state);
        });
      });
      const picture = await createImageBitmap(await (await fetch(`${api}/result/${id}`)).blob());
      const gone = await fetch(`${api}/upload/${id}`, { method: "DELETE", headers: { Authorization: `Bearer ${owner_token}` } });
      return { sent: sent.status, place: place.endsWith(`/status/${id}`), state, width: picture.width, gone: gone.status };
    },
    [cloud.url, photo] as const,
  );
  expect(seen).toEqual({ sent: 202, place: true, state: "done", width: 320, gone: 204 });
});
