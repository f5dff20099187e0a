// For everyone: keys suffice, and phases are told to those who do not see them.
import { drop, nightJpeg } from "./photos";
import { expect, test } from "./service";

const READY = { timeout: 60_000 };

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
