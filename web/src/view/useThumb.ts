// A small picture of a photo, for the strip: made while it was looked at, or else from the file as it is.
import { useEffect, useState } from "react";
import type { Job } from "../jobs/job";
import type { Shelf } from "../jobs/shelf";

const HEIGHT = 128; // pixels: the strip's 64 on a dense screen
const LATER_MS = 1000; // what is looked at comes first
let turn: Promise<unknown> = Promise.resolve(); // a decoded photo is large, so one after the other

/** Null until there is one. `open`: the photo is looked at, so its preview brings one. */
export function useThumb({ key, hasThumb }: Job, shelf: Shelf, open: boolean): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let stale = false;
    const isOver = (): boolean => stale;
    const found = async (): Promise<void> => {
      let thumb = await shelf.picture(key, "thumb");
      if (!thumb && !open) {
        await new Promise((resolve) => setTimeout(resolve, LATER_MS));
        thumb = await inTurn(() => (isOver() ? Promise.resolve(null) : small(key, shelf)));
      }
      if (!thumb || isOver()) return;
      made = URL.createObjectURL(thumb);
      setUrl(made);
    };
    void found();
    return () => {
      stale = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [key, hasThumb, shelf, open]);
  return url;
}

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work);
  turn = mine;
  return mine;
}

/** Of the file, and kept; null where the browser cannot read it. */
async function small(key: string, shelf: Shelf): Promise<Blob | null> {
  const file = await shelf.original(key);
  if (!file) return null;
  try {
    const picture = await createImageBitmap(file, { resizeHeight: HEIGHT, resizeQuality: "medium" });
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext("2d")?.drawImage(picture, 0, 0);
    picture.close();
    const thumb = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
    if (!(await shelf.picture(key, "thumb"))) shelf.putPicture(key, "thumb", thumb); // the preview's is brighter
    return thumb;
  } catch {
    return null; // a raw without a picture of its own: the strip shows its sign
  }
}
