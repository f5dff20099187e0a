// Every state holds up: axe finds nothing in it, in either theme, on a desk and on a phone, and 320 pixels hold it.
// With SCREENS=folder it is photographed instead.
import AxeBuilder from "@axe-core/playwright";
import type { CDPSession } from "@playwright/test";
import { join } from "node:path";
import type { Step } from "./scene";
import { SCENES } from "./scenes";
import { Script } from "./script";
import { expect, test, type Page } from "./service";

const folder = process.env.SCREENS;
const DESK = { name: "desktop", width: 1440, height: 900, touch: false };
const PHONE = { name: "phone", width: 390, height: 844, touch: true };
const THEMES = ["dark", "light"] as const;

async function look(page: Page, devtools: CDPSession, { width, height, touch }: typeof DESK): Promise<void> {
  await devtools.send("Emulation.setTouchEmulationEnabled", { enabled: touch });
  await page.setViewportSize({ width, height });
}

/** Every rule once in each theme; what depends on the theme and the size, the contrast, in all four. */
async function holdsUp(page: Page, state: string, whole: boolean): Promise<void> {
  const axe = new AxeBuilder({ page }).setLegacyMode(true);
  const { violations } = await (whole ? axe : axe.withRules("color-contrast")).analyze();
  const told = violations.map(({ id, nodes }) => `${state}: ${id} ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
  expect.soft(told).toEqual([]);
}

async function fits(page: Page, state: string): Promise<void> {
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(wider, `${state} is wider than the screen`).toBe(0);
}

for (const scene of SCENES) {
  test(`scene ${scene.name}`, async ({ page }) => {
    test.setTimeout(300_000); // sixteen states, each in four looks
    const script = new Script(page);
    const devtools = await page.context().newCDPSession(page);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    await script.play();
    await scene.before?.({ page, script });
    await page.goto(scene.address ?? "/");
    for (const step of scene.steps) await test.step(step.name, () => shown(step));

    async function shown(step: Step): Promise<void> {
      const state = `${scene.name}-${step.name}`;
      await step.act({ page, script });
      for (const size of [DESK, PHONE]) {
        await look(page, devtools, size);
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          if (folder) await page.screenshot({ path: join(folder, `${state}-${size.name}-${colorScheme}.png`), fullPage: true });
          else await holdsUp(page, `${state}, ${size.name}, ${colorScheme}`, size.touch === (colorScheme === "light"));
        }
      }
      await page.setViewportSize({ width: 320, height: 640 });
      await fits(page, state);
      await look(page, devtools, DESK);
      await page.emulateMedia({ colorScheme: "dark" });
    }
  });
}
