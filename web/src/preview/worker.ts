// Decodes a photo once, finds the exposure that the model would, and develops it, all beside the page's own thread.
import weightsUrl from "@model/weights/exposure.safetensors?url";
import { Development } from "./curves";
import { decoded } from "./decoding";
import { uprightSize } from "./frame";
import { STEP, thumbnail } from "./glance";
import { wantedLook, wantedRatio } from "./head";
import { impression, type Impression } from "./impression";
import { hasGpu, painter, type Painter } from "./painter";
import type { Asked, Open, Told } from "./protocol";
import { reduced, stepFor } from "./reduced";
import { arraysOf, type Arrays } from "./weights";

const LONGEST = 1600; // pixels of a preview's longer side
const THUMB = 160;
const THUMB_LATER_MS = 250;

interface Developed {
  painter: Painter;
  seen: Impression;
  arrays: Arrays;
  estimate: number;
}

const developed = new Map<number, Promise<Developed | null>>();
const gpu = hasGpu(); // asked for while nobody waits
let weights: Promise<Arrays> | null = null;
void fetched().catch(() => undefined); // asked for again when the first photo comes

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  void answer(data);
};

async function answer(asked: Asked): Promise<void> {
  if (asked.kind === "open") developed.set(asked.id, open(asked));
  const photo = await developed.get(asked.id);
  if (asked.kind === "expose" && photo) draw(photo, asked.ratio);
  if (asked.kind === "close") {
    developed.delete(asked.id);
    photo?.painter.close();
  }
}

function tell(told: Told): void {
  self.postMessage(told);
}

function fetched(): Promise<Arrays> {
  weights ??= fetch(weightsUrl)
    .then(async (answer) => arraysOf(await answer.arrayBuffer()))
    .catch((fact: unknown) => {
      weights = null;
      throw fact;
    });
  return weights;
}

async function open(asked: Open): Promise<Developed | null> {
  try {
    const [frame, arrays] = await Promise.all([decoded(asked.photo), fetched()]);
    const seen = impression(thumbnail(frame), STEP);
    const size = uprightSize(frame);
    const photo: Developed = {
      painter: painter(asked.canvas, reduced(frame, stepFor(size.width, size.height, LONGEST)), gpu),
      seen,
      arrays,
      estimate: wantedRatio(seen, arrays),
    };
    draw(photo, asked.ratio);
    tell({ kind: "shown", id: asked.id, estimate: photo.estimate, how: photo.painter.how });
    void thumbed(asked, photo);
    return photo;
  } catch {
    tell({ kind: "unshown", id: asked.id }); // this browser cannot decode it; the page says so
    return null;
  }
}

function draw(photo: Developed, ratio: number | null): void {
  const exposure = ratio ?? photo.estimate;
  photo.painter.draw(new Development(exposure, wantedLook(photo.seen, exposure, photo.arrays)));
}

/** After the preview has been painted, lest it wait. */
async function thumbed({ id, canvas, ratio }: Open, photo: Developed): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, THUMB_LATER_MS));
  if (!developed.has(id)) return;
  const scale = Math.min(1, THUMB / Math.max(canvas.width, canvas.height));
  const small = new OffscreenCanvas(Math.max(1, Math.round(canvas.width * scale)), Math.max(1, Math.round(canvas.height * scale)));
  const context = small.getContext("2d");
  if (!context) return;
  context.imageSmoothingQuality = "high";
  draw(photo, ratio); // what a GPU has drawn is gone once it is shown
  context.drawImage(canvas, 0, 0, small.width, small.height);
  tell({ kind: "thumbed", id, thumb: await small.convertToBlob({ type: "image/jpeg", quality: 0.8 }) });
}
