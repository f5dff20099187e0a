// What a scene is, and what happens in many of them: a photo is dropped, and something is seen.
import { expect, type Page } from "@playwright/test";
import { drop, scenePhoto, type File } from "./photos";
import { done, failed, type Script } from "./script";

export interface Visit {
  page: Page;
  script: Script;
}

export interface Step {
  name: string;
  act: (visit: Visit) => Promise<void>;
}

export interface Scene {
  name: string;
  /** Before the page is opened. */
  before?: (visit: Visit) => Promise<void>;
  /** Opened in place of the page itself. */
  address?: string;
  steps: readonly Step[];
}

/** Drops a photo of a shape; its result, `light` times as bright, is at hand. */
export async function bring({ page, script }: Visit, width = 1280, height = 720, name = "Coffee at night.jpg", extra = 0): Promise<File> {
  const made = await scenePhoto(page, width, height);
  const photo = { ...made, name, buffer: Buffer.concat([made.buffer, Buffer.alloc(extra)]) };
  script.original = photo;
  script.result = await scenePhoto(page, width, height, 4);
  await drop(page, [photo]);
  return photo;
}

export async function finish(visit: Visit, width = 1280, height = 720, name?: string): Promise<void> {
  visit.script.fate = done(width, height);
  await bring(visit, width, height, name);
  await shows(visit.page);
}

export async function shows(page: Page): Promise<void> {
  await expect(page.locator(".result[data-shown=true]")).toBeVisible();
  await expect(page.locator(".canvas[data-how]")).toBeVisible();
}

export const says = async (page: Page, text: string | RegExp): Promise<void> => {
  await expect(page.getByText(text).first()).toBeVisible();
};

export function chip(name: string, state: Script["warmth"], label: string | RegExp): Step {
  return {
    name,
    act: async ({ page, script }) => {
      script.warmth = state;
      await page.reload();
      await expect(page.getByRole("img", { name: label })).toBeVisible();
    },
  };
}

export function failure(name: string, ...facts: Parameters<typeof failed>): Scene {
  const act = async (visit: Visit): Promise<void> => {
    visit.script.fate = failed(...facts);
    await bring(visit);
    await says(visit.page, facts[3]);
    await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
  };
  return { name: `failed-${name}`, steps: [{ name: "told", act }] };
}

export function refused(name: string, refusal: NonNullable<Script["refusal"]>, text: string | RegExp, retryAfterS: number | null = null): Scene {
  const act = async (visit: Visit): Promise<void> => {
    Object.assign(visit.script, { refusal, retryAfterS });
    await bring(visit);
    await says(visit.page, text);
    await expect(visit.page.locator(".canvas[data-how]")).toBeVisible();
  };
  return { name: `not-taken-${name}`, steps: [{ name: "told", act }] };
}
