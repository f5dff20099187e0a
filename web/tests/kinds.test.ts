// Files judged by their first bytes, as the service will judge them.
import { expect, test } from "vitest";
import { judged } from "../src/photo/judging";
import { kindOf } from "../src/photo/kinds";

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.padEnd(64, "\0"), (letter) => letter.charCodeAt(0));
}

test.each([
  ["\xff\xd8\xff\xe0", "", "jpeg"],
  ["\x89PNG\r\n\x1a\n", "", "png"],
  ["RIFF\x10\0\0\0WEBPVP8 ", "", "webp"],
  ["II*\0\x08\0\0\0", "scan.tif", "tiff"],
  ["MM\0*\0\0\0\x08", "night.NEF", "raw"],
  ["II*\0\x10\0\0\0CR\x02\0", "no name", "raw"],
  ["FUJIFILMCCD-RAW ", "", "raw"],
  ["\0\0\0\x18ftypcrx ", "", "raw"],
  ["\0\0\0\x18ftypheic", "", "heic"],
  ["\0\0\0\x1cftypmif1\0\0\0\0mif1avif", "", "avif"],
  ["\0\0\0\x1cftypmif1\0\0\0\0mif1heic", "", "heic"],
])("%j (%s) is %s", (head, name, kind) => {
  expect(kindOf(bytes(head), name)).toEqual({ kind });
});

test.each([
  ["GIF89a", "gif"],
  ["BM\x36", "bmp"],
  ["8BPS", "psd"],
  ["\xff\x0a", "jxl"],
  ["\0\0\0\x0cjP  \r\n", "jp2"],
  ["II+\0", "bigtiff"],
  ["%PDF-1.7", "unknown"],
  ["<svg", "unknown"],
])("%j is refused as %s", (head, reason) => {
  expect(kindOf(bytes(head))).toEqual({ reason });
});

test("an empty file and one that is too large are refused unread", async () => {
  expect(await judged(new Blob([]), 100)).toEqual({ reason: "empty" });
  expect(await judged(new Blob(["x".repeat(101)]), 100)).toEqual({ reason: "too_large" });
});
