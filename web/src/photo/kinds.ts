// Which kind of file this is, by its first bytes, and why one is refused before any upload. After photos/sniff.py.

export type Kind = "jpeg" | "png" | "webp" | "tiff" | "heic" | "avif" | "raw";
export type Reason = "empty" | "too_large" | "too_many_pixels" | "side_too_long" | "too_small" | "animated" | "unknown" | "gif" | "bmp" | "psd" | "jxl" | "jp2" | "bigtiff";
export type Finding = { kind: Kind; reason?: never } | { kind?: never; reason: Reason };

/** What a file picker offers; drops and pastes are judged by their bytes alone. */
export const ACCEPTED =
  "image/jpeg,image/png,image/webp,image/tiff,image/heic,image/heif,image/avif,.heic,.heif,.hif,.avif,.tif,.tiff," +
  ".dng,.cr2,.cr3,.crw,.nef,.nrw,.arw,.srf,.sr2,.orf,.rw2,.rwl,.raf,.pef,.srw,.mrw,.x3f,.iiq,.3fr,.fff,.erf,.kdc,.dcr";

type Magic<T> = readonly [offset: number, bytes: string, meaning: T];

const PHOTOS: readonly Magic<Kind>[] = [
  [0, "\xff\xd8\xff", "jpeg"],
  [0, "\x89PNG\r\n\x1a\n", "png"],
  [0, "II\x1a\0\0\0HEAPCCDR", "raw"], // CRW
  [0, "FUJIFILMCCD-RAW", "raw"], // RAF
  [0, "IIU\0", "raw"], // RW2, RWL
  [0, "IIRO", "raw"], // ORF
  [0, "IIRS", "raw"],
  [0, "MMOR", "raw"],
  [0, "\0MRM", "raw"],
  [0, "FOVb", "raw"], // X3F
  [4, "ftypcrx ", "raw"], // CR3
  [4, "ftypavif", "avif"],
  ...["heic", "heix", "heim", "heis", "hevc", "hevx"].map((brand): Magic<Kind> => [4, `ftyp${brand}`, "heic"]),
];
const REFUSED: readonly Magic<Reason>[] = [
  [0, "GIF8", "gif"],
  [0, "BM", "bmp"],
  [0, "II+\0", "bigtiff"],
  [0, "MM\0+", "bigtiff"],
  [0, "8BPS", "psd"],
  [0, "\xff\x0a", "jxl"],
  [4, "JXL \r\n", "jxl"],
  [4, "jP  \r\n", "jp2"],
];
const RAW_NAMES = /\.(dng|cr2|nef|nrw|arw|srf|sr2|pef|srw|iiq|3fr|fff|erf|kdc|dcr|raw)$/i;

const ALL_RAW_NAMES = /\.(dng|cr2|cr3|crw|nef|nrw|arw|srf|sr2|orf|rw2|rwl|raf|pef|srw|mrw|x3f|iiq|3fr|fff|erf|kdc|dcr|raw)$/i;

/** Whether a file's name is a camera raw's. What the page shows of one is the camera's own development. */
export function isRawName(name: string): boolean {
  return ALL_RAW_NAMES.test(name);
}

function letters(head: Uint8Array, offset: number, count: number): string {
  return String.fromCharCode(...head.subarray(offset, offset + count));
}

function found<T>(head: Uint8Array, magics: readonly Magic<T>[]): T | undefined {
  return magics.find(([offset, bytes]) => letters(head, offset, bytes.length) === bytes)?.[2];
}

/** The kind of a file that begins with `head`, or why it is refused. `name` only tells raw from other TIFF. */
export function kindOf(head: Uint8Array, name = ""): Finding {
  if (head.length === 0) return { reason: "empty" };
  const kind = found(head, PHOTOS);
  if (kind) return { kind };
  if (letters(head, 0, 4) === "RIFF" && letters(head, 8, 4) === "WEBP") return { kind: "webp" };
  if (["ftypmif1", "ftypmsf1"].includes(letters(head, 4, 8))) {
    const brands = letters(head, 16, 64);
    if (brands.includes("avif")) return { kind: "avif" };
    if (/hei[cxms]|hev[cx]/.test(brands)) return { kind: "heic" };
  }
  if (["II*\0", "MM\0*"].includes(letters(head, 0, 4))) {
    return { kind: RAW_NAMES.test(name) || letters(head, 8, 2) === "CR" ? "raw" : "tiff" };
  }
  return { reason: found(head, REFUSED) ?? "unknown" };
}
