// Why a photo is refused before any upload: by what its first bytes say of its kind and its size. After photos/limits.py.
import { kindOf, type Finding, type Reason } from "./kinds";
import { isAnimated, statedSize, type Size } from "./size";

const HEAD_BYTES = 65_536;
const MOST_PIXELS = 64_000_000;
const LONGEST_SIDE = 20_000;
const SHORTEST_SIDE = 16;

/** Reads the first bytes only; what they do not tell is left to the service. */
export async function judged(file: Blob & { name?: string }, largestBytes: number): Promise<Finding> {
  if (file.size === 0) return { reason: "empty" };
  if (file.size > largestBytes) return { reason: "too_large" };
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
  const finding = kindOf(head, file.name);
  if (!finding.kind) return finding;
  if (isAnimated(head)) return { reason: "animated" };
  const size = statedSize(head);
  const reason = size && against(size);
  return reason ? { reason } : finding;
}

/** What is against a photo of this size. */
function against({ width, height }: Size): Reason | null {
  if (Math.max(width, height) > LONGEST_SIDE) return "side_too_long";
  if (Math.min(width, height) < SHORTEST_SIDE) return "too_small";
  return width * height > MOST_PIXELS ? "too_many_pixels" : null;
}
