// The page's pure parts, tested in Node; what needs a browser is Playwright's.
import { defineConfig, mergeConfig } from "vitest/config";
import page from "./vite.config.ts";

export default mergeConfig(page, defineConfig({ test: { include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 10_000 } }));
