// How the page is built: no inline code, no data URLs, names that carry their content's hash, compressed beforehand.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const SERVICE = "http://127.0.0.1:8080"; // `npx vite` beside `make run`
const ADDRESSES = ["/upload", "/status", "/events", "/result", "/photo", "/warm", "/static", "/docs", "/form"];

/** Beside each part one for browsers that read Brotli, and one for those that read gzip. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir = "" }) {
      const assets = join(dir, "assets");
      for (const name of readdirSync(assets).filter((each) => /\.(js|css|svg)$/.test(each))) {
        const part = readFileSync(join(assets, name));
        writeFileSync(join(assets, `${name}.br`), brotliCompressSync(part));
        writeFileSync(join(assets, `${name}.gz`), gzipSync(part, { level: 9 }));
      }
    },
  };
}

/** What the page is made of, for its bundle report: bytes by library, before compression. */
function weighed(): Plugin {
  return {
    name: "weighed",
    apply: "build",
    generateBundle(_, parts) {
      const bytes: Record<string, number> = {};
      for (const part of Object.values(parts)) {
        for (const [id, { renderedLength }] of Object.entries(part.type === "chunk" ? part.modules : {})) {
          const owner = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? "the page itself";
          bytes[owner] = (bytes[owner] ?? 0) + renderedLength;
        }
      }
      mkdirSync(new URL("build/", import.meta.url), { recursive: true });
      writeFileSync(new URL("build/made-of.json", import.meta.url), JSON.stringify(bytes));
    },
  };
}

export default defineConfig({
  plugins: [compressed(), weighed()],
  resolve: { alias: { "@model": new URL("../model", import.meta.url).pathname } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // the page's policy allows no data: URLs
    modulePreload: { polyfill: false },
    emptyOutDir: true,
    rolldownOptions: {
      onLog(level, log, handler) {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log); // "use client" means nothing to a page
      },
    },
  },
  worker: { format: "es" },
  server: {
    fs: { allow: [".."] },
    proxy: Object.fromEntries(ADDRESSES.map((path) => [path, SERVICE])),
  },
});
