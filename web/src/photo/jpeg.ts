// The size that a JPEG's header states.

const FRAMES = [0xc0, 0xc1, 0xc2]; // baseline, extended, progressive: what a browser decodes; 0xc3 is a raw's lossless one
const OTHER_FRAMES = [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];

/** Width and height of a JPEG that browsers can show, from its first bytes; null for anything else. Pure. */
export function jpegSize(head: Uint8Array): { width: number; height: number } | null {
  if (head[0] !== 0xff || head[1] !== 0xd8) return null;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  let at = 2;
  while (at + 9 < head.length) {
    if (head[at] !== 0xff) return null;
    const marker = head[at + 1] ?? 0;
    if (marker === 0xff) {
      at += 1;
    } else if (FRAMES.includes(marker)) {
      const height = view.getUint16(at + 5);
      const width = view.getUint16(at + 7);
      return width && height ? { width, height } : null;
    } else if (OTHER_FRAMES.includes(marker) || marker === 0xda) {
      return null;
    } else {
      at += 2 + view.getUint16(at + 2);
    }
  }
  return null;
}
