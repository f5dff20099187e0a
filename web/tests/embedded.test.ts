// The camera's own JPEG inside a raw file, found in raws that are made here, whole and damaged.
import { expect, test } from "vitest";
import { embeddedJpeg } from "../src/photo/embedded";
import { jpegSize } from "../src/photo/jpeg";

/** The bytes of a JPEG as far as its size: SOI, an application segment, a frame of kind `marker`. */
function jpeg(width: number, height: number, { marker = 0xc0, exif = false, length = 400 } = {}): Uint8Array {
  const app = exif ? [0xff, 0xe1, 0, 8, 0x45, 0x78, 0x69, 0x66, 0, 0] : [0xff, 0xe0, 0, 4, 0, 0];
  const frame = [0xff, marker, 0, 17, 8, height >> 8, height & 255, width >> 8, width & 255, 3, ...Array<number>(9).fill(1)];
  const made = new Uint8Array(length);
  made.set([0xff, 0xd8, ...app, ...frame]);
  return made;
}

interface Entry {
  tag: number;
  value: number;
  type?: 3 | 4;
}

/** A TIFF of directories, each a list of entries, and blobs at given places. */
function tiff(directories: { at: number; entries: Entry[]; next?: number }[], blobs: Record<number, Uint8Array>, little = true): Blob {
  const file = new Uint8Array(8000);
  const view = new DataView(file.buffer);
  file.set(little ? [0x49, 0x49] : [0x4d, 0x4d]);
  view.setUint16(2, 42, little);
  view.setUint32(4, directories[0]?.at ?? 0, little);
  for (const { at, entries, next = 0 } of directories) {
    view.setUint16(at, entries.length, little);
    entries.forEach(({ tag, value, type = 4 }, index) => {
      const place = at + 2 + 12 * index;
      view.setUint16(place, tag, little);
      view.setUint16(place + 2, type, little);
      view.setUint32(place + 4, 1, little);
      if (type === 3) view.setUint16(place + 8, value, little);
      else view.setUint32(place + 8, value, little);
    });
    view.setUint32(at + 2 + 12 * entries.length, next, little);
  }
  for (const [at, blob] of Object.entries(blobs)) file.set(blob, Number(at));
  return new Blob([file]);
}

test.each([true, false])("the largest of a raw's pictures is taken, turned as the raw says (little-endian: %s)", async (little) => {
  const raw = tiff(
    [
      { at: 8, entries: [{ tag: 0x0112, value: 6, type: 3 }, { tag: 0x014a, value: 300 }], next: 200 },
      { at: 200, entries: [{ tag: 0x0201, value: 1000 }, { tag: 0x0202, value: 400 }] },
      { at: 300, entries: [{ tag: 0x0111, value: 2000 }, { tag: 0x0117, value: 500 }] },
    ],
    { 1000: jpeg(160, 120), 2000: jpeg(1620, 1080, { length: 500 }) },
    little,
  );
  const found = await embeddedJpeg(raw);
  expect(found).toMatchObject({ width: 1620, height: 1080, orientation: 6 });
  expect(found?.jpeg.size).toBe(500);
  expect(found?.jpeg.type).toBe("image/jpeg");
});

test("a raw's own lossless data is no picture, and a picture that carries its turn is not turned twice", async () => {
  const raw = tiff(
    [{ at: 8, entries: [{ tag: 0x0112, value: 8, type: 3 }, { tag: 0x0111, value: 2000 }, { tag: 0x0117, value: 400 }], next: 200 },
      { at: 200, entries: [{ tag: 0x0201, value: 1000 }, { tag: 0x0202, value: 400 }] }],
    { 1000: jpeg(640, 480, { exif: true }), 2000: jpeg(6000, 4000, { marker: 0xc3 }) },
  );
  expect(await embeddedJpeg(raw)).toMatchObject({ width: 640, height: 480, orientation: 1 });
});

test("directories that lead in circles, beyond the end or nowhere are left", async () => {
  const circle = tiff([{ at: 8, entries: [{ tag: 0x014a, value: 8 }], next: 8 }], {});
  expect(await embeddedJpeg(circle)).toBeNull();
  const beyond = tiff([{ at: 8, entries: [{ tag: 0x0201, value: 999_999 }, { tag: 0x0202, value: 4_000_000_000 }], next: 5_000_000 }], {});
  expect(await embeddedJpeg(beyond)).toBeNull();
  expect(await embeddedJpeg(new Blob(["II*\0"]))).toBeNull();
  expect(await embeddedJpeg(new Blob([]))).toBeNull();
});

test("where no directory tells, the picture is searched for", async () => {
  const file = new Uint8Array(3000);
  file.set(Array.from("\0\0\0\x18ftypcrx ", (letter) => letter.charCodeAt(0)));
  file.set(jpeg(320, 240), 500);
  file.set(jpeg(1620, 1080), 1500);
  file.set([0xff, 0xd9], 1900);
  expect(await embeddedJpeg(new Blob([file]))).toMatchObject({ width: 1620, height: 1080 });
});

test("a RAF names its picture in its header", async () => {
  const file = new Uint8Array(2000);
  file.set(Array.from("FUJIFILMCCD-RAW 0201", (letter) => letter.charCodeAt(0)));
  new DataView(file.buffer).setUint32(84, 1000);
  new DataView(file.buffer).setUint32(88, 450);
  file.set(jpeg(1920, 1280), 1000);
  expect((await embeddedJpeg(new Blob([file])))?.jpeg.size).toBe(450);
});

test("a JPEG cut off before its size, and one without any, have none", () => {
  expect(jpegSize(jpeg(10, 10).subarray(0, 9))).toBeNull();
  expect(jpegSize(jpeg(0, 10))).toBeNull();
  expect(jpegSize(new Uint8Array([0xff, 0xd8, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0]))).toBeNull();
});

test("of a raw that is cut off, the picture that is still whole is taken", async () => {
  const whole = tiff(
    [
      { at: 8, entries: [{ tag: 0x014a, value: 300 }], next: 200 },
      { at: 200, entries: [{ tag: 0x0201, value: 1000 }, { tag: 0x0202, value: 400 }] },
      { at: 300, entries: [{ tag: 0x0201, value: 2000 }, { tag: 0x0202, value: 5000 }] },
    ],
    { 1000: jpeg(160, 120), 2000: jpeg(1620, 1080, { length: 5000 }) },
  );
  expect(await embeddedJpeg(whole)).toMatchObject({ width: 1620 });
  expect(await embeddedJpeg(whole.slice(0, 6000))).toMatchObject({ width: 160 });
});

test("a searched picture without an end is none", async () => {
  const file = new Uint8Array(3000);
  file.set(Array.from("\0\0\0\x18ftypcrx ", (letter) => letter.charCodeAt(0)));
  file.set(jpeg(160, 120), 500);
  file.set([0xff, 0xd9], 900);
  file.set(jpeg(1620, 1080), 1500);
  expect(await embeddedJpeg(new Blob([file]))).toMatchObject({ width: 160 });
});
