// The page in a real browser, against the real service. CHROMIUM names the browser; PYTHON runs the service.
import { defineConfig, devices } from "@playwright/test";

const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const HOME = "photos.home"; // this machine as others of a home network see it: without https

export default defineConfig({
  testDir: "e2e",
  fullyParallel: false,
  workers: 1, // one service, one worker, two cores
  retries: 0,
  forbidOnly: true,
  timeout: 180_000, // on a machine that does ten other things
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  use: {
    ...devices["Desktop Chrome"],
    viewport: { width: 1440, height: 900 },
    launchOptions: { executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS.split(" "), `--host-resolver-rules=MAP ${HOME} 127.0.0.1`] },
    screenshot: "only-on-failure",
  },
});
