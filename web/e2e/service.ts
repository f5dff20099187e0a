// The real service as processes of its own, in a folder of its own; tests restart it and end its workers.
import { test as base, expect, type Page } from "@playwright/test";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = new URL("../..", import.meta.url).pathname;
const PYTHON = process.env.PYTHON ?? join(ROOT, ".venv", "bin", "python");
const START_MS = 120_000; // on a machine that does ten other things

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Service {
  readonly #folder = mkdtempSync(join(tmpdir(), "firstlight-page-"));
  readonly #settings: Record<string, string>;
  readonly #command: readonly string[];
  #process: ChildProcess | null = null;
  port: number;

  /** `command`: what is run in place of `firstlight up`. */
  constructor(settings: Record<string, string> = {}, command: readonly string[] = ["up"], port = 0) {
    this.#settings = settings;
    this.#command = command;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** On the same port and the same stores as before. */
  async start(): Promise<void> {
    this.port ||= await freePort();
    const folder = this.#folder;
    this.#process = spawn(PYTHON, ["-m", "cli", ...this.#command], {
      cwd: ROOT,
      stdio: "ignore",
      env: {
        ...process.env,
        AWS_EC2_METADATA_DISABLED: "true",
        BLOBS: `file:${folder}/blobs`,
        QUEUE: `sqlite:${folder}/jobs.db`,
        TABLE: `sqlite:${folder}/jobs.db`,
        FLEET: `process:${folder}/machines`,
        SPOOL: `${folder}/spool`,
        PORT: String(this.port),
        ...this.#settings,
      },
    });
    const ends = Date.now() + START_MS;
    while (Date.now() < ends) {
      if (this.#process.exitCode !== null) break;
      try {
        if ((await fetch(`${this.url}/ready`)).ok) return;
      } catch {
        // not yet: it is asked again until its time is up
      }
      await sleep(100);
    }
    throw new Error(`the service did not start:\n${this.logs()}`);
  }

  async stop(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running === null) return;
    if (running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGINT");
    const hurry = setTimeout(() => running.kill("SIGINT"), 1500);
    await ended;
    clearTimeout(hurry);
  }

  /** Ends every worker of this service as a power cut would. */
  killWorkers(): number {
    const own = `SPOOL=${this.#folder}/spool`;
    let killed = 0;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        if (!/ -m (cli worker|worker)\b/.test(command) || !readFileSync(`/proc/${pid}/environ`, "utf8").includes(own)) continue;
        process.kill(Number(pid), "SIGKILL");
        killed += 1;
      } catch {
        // it ended by itself meanwhile
      }
    }
    return killed;
  }

  logs(): string {
    const logs = join(this.#folder, "logs");
    try {
      return readdirSync(logs).map((name) => `--- ${name}\n${readFileSync(join(logs, name), "utf8").slice(-4000)}`).join("\n");
    } catch {
      return "(no logs)";
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A service with settings of its own, until `use` ends. */
export async function withService(settings: Record<string, string>, use: (service: Service) => Promise<void>): Promise<void> {
  const service = new Service(settings);
  try {
    await service.start();
    await use(service);
  } finally {
    await service.remove();
  }
}

/** One service for all tests of a file that do not need their own; every error on the page's console fails its test. */
export const test = base.extend<{ quiet: undefined }, { service: Service }>({
  service: [
    async ({}, use) => { // eslint-disable-line no-empty-pattern -- Playwright reads the names of what a fixture needs
      await withService({}, use);
    },
    { scope: "worker" },
  ],
  baseURL: async ({ service }, use) => {
    await use(service.url);
  },
  quiet: [
    async ({ page }, use) => {
      const heard: string[] = [];
      page.on("pageerror", (error) => heard.push(error.message));
      page.on("console", (message) => {
        if (/Content Security Policy|Refused to|Minified React error/.test(message.text())) heard.push(message.text());
      });
      await use(undefined);
      expect(heard).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
export type { Page };
