// Measuring the page: one browser, one drop at a time. `python -m bench.page` makes the photos and starts the service.
import base from "../playwright.config";
import { defineConfig } from "@playwright/test";

export default defineConfig({ ...base, testDir: ".", testMatch: "*.bench.ts", timeout: 300_000, reporter: [["line"]] });
