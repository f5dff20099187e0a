// For everyone: axe finds nothing in any state and either theme, a phone of 320 pixels holds it all, keys suffice.
import AxeBuilder from "@axe-core/playwright";
import { drop, nightJpeg } from "./photos";
import { expect, test, withService, type Page } from "./service";

const READY = { timeout: 60_000 };

async function holdsUp(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${state}: ${id} ${nodes.map((node) => node.target.join(" ")).join(", ")}`)).toEqual([]);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wider, `${state} is wider than the screen`).toBe(0);
}

for (const colorScheme of ["dark", "light"] as const) {
  for (const [width, height] of [[1440, 900], [320, 640]] as const) {
    test(`every state holds up to axe, ${colorScheme}, ${width} pixels wide`, async ({ page }) => {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto("/");
      await expect(page.getByRole("img", { name: /machine/i })).toBeVisible();
      await holdsUp(page, "empty");
      const long = await nightJpeg(page, 900, 300, { name: `${"a-very-long-name-".repeat(9)}.jpg` });
      await drop(page, [long, { name: "notes.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7") }]);
      await expect(page.locator(".canvas[data-how]")).toBeVisible();
      await holdsUp(page, "preview and refusal");
      await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
      await expect(page.locator(".result[data-shown=true]")).toBeVisible();
      await holdsUp(page, "result");
      await page.getByRole("slider", { name: "Exposure" }).fill("7");
      await holdsUp(page, "another exposure");
      await page.getByRole("button", { name: "Delete" }).click();
      await holdsUp(page, "deleting");
      await page.getByRole("button", { name: "Keep it" }).click();
      await drop(page, [{ ...long, name: "broken.jpg", buffer: long.buffer.subarray(0, 150) }]);
      await expect(page.getByText("This photo was not taken")).toBeVisible(READY);
      await holdsUp(page, "refused");
    });
  }

  test(`waiting holds up to axe, ${colorScheme}`, async ({ page, context }) => {
    await withService({ FLEET: "none:" }, async (service) => {
      await page.emulateMedia({ colorScheme });
      await page.goto(service.url);
      await drop(page, [await nightJpeg(page, 300, 900)]);
      await expect(page.getByText("No worker is running.")).toBeVisible(READY);
      await context.setOffline(true);
      await expect(page.getByText("You are offline.")).toBeVisible();
      await holdsUp(page, "waiting, offline");
    });
  });
}

test("a photo goes its whole way by keys alone", async ({ page }) => {
  await page.goto("/");
  const pressed = async (name: string): Promise<void> => {
    for (let tries = 0; tries < 30; tries += 1) {
      await page.keyboard.press("Tab");
      const reached = await page.evaluate(() => {
        const element = document.activeElement;
        return element === document.body ? "" : (element?.getAttribute("aria-label") ?? element?.textContent ?? "");
      });
      if (reached.includes(name)) return;
    }
    throw new Error(`${name} is not reached by Tab`);
  };
  await pressed("Try a sample");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Download" })).toBeVisible(READY);
  await pressed("Divide between before and after");
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("slider", { name: "Divide between before and after" })).toHaveAttribute("aria-valuenow", "45");
  await pressed("Delete");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await pressed("Delete");
  await page.keyboard.press("Enter");
  await pressed("Delete now");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Drop a photo taken in the dark" })).toBeVisible();
});

test("phases are told to screen readers as they change, not each second", async ({ page }) => {
  await page.goto("/");
  await drop(page, [await nightJpeg(page)]);
  await expect(page.locator('[role="status"].phase')).toBeVisible();
  await expect(page.locator('.waiting [aria-live="off"]')).toHaveCount(1);
  await expect(page.locator('.outcome [role="status"]').first()).toContainText("Done", READY);
});
