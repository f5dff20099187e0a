// A canvas that shows a photo developed at some exposure, painted by the worker; and what the worker tells of it.
import { useEffect, useRef, useState, type RefObject } from "react";
import { LARGEST_RATIO } from "../photo/exposure";
import type { Asked, Shown, Thumbed, Told } from "./protocol";

let worker: Worker | null = null;
let last = 0;

function developer(): Worker {
  worker ??= new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "preview" });
  return worker;
}

/** The worker is a small script; asked for early, it is there when the first photo comes. */
export function warmPreviews(): void {
  developer();
}

export interface Source {
  blob: Blob;
  /** Pixels of the upright photo. */
  width: number;
  height: number;
  /** The camera's own development of a raw: brighter than the raw by stops that nobody tells. */
  byCamera: boolean;
}

/**
 * The ratio to develop a source by, for a ratio that counts from the file itself. Where a camera has developed it, the
 * way from one to the other is known once the service has found the raw's best (`best`) and we ours (`estimate`).
 */
export function sourceRatio(source: Source | null, ratio: number | null, estimate: number | null, best: number | null): number | null {
  if (ratio === null || !source?.byCamera || estimate === null || best === null) return ratio;
  return Math.min(LARGEST_RATIO, Math.max(1, (ratio * estimate) / best));
}

export interface Preview {
  shown: Shown | null;
  /** A small picture of it, for the history strip; a moment later. */
  thumb: Blob | null;
  /** The browser cannot decode this photo. */
  failed: boolean;
}

/** The canvas comes into `place`. `ratio` null: the exposure that the preview itself finds best. */
export function usePreview(place: RefObject<HTMLDivElement | null>, source: Source | null, ratio: number | null): Preview {
  const id = useRef(0);
  const wanted = useRef(ratio);
  const [told, setTold] = useState<Exclude<Told, Thumbed> | null>(null);
  const [thumb, setThumb] = useState<Blob | null>(null);

  useEffect(() => {
    wanted.current = ratio;
    if (id.current) developer().postMessage({ kind: "expose", id: id.current, ratio } satisfies Asked);
  }, [ratio]);

  useEffect(() => {
    const holder = place.current;
    if (!source || !holder) return;
    const mine = (last += 1);
    id.current = mine;
    const element = document.createElement("canvas");
    holder.replaceChildren(element);
    const canvas = element.transferControlToOffscreen();
    const listen = ({ data }: MessageEvent<Told>): void => {
      if (data.id !== mine) return;
      if (data.kind === "thumbed") setThumb(data.thumb);
      else setTold(data);
    };
    const asked: Asked = { kind: "open", id: mine, photo: source.blob, canvas, ratio: wanted.current };
    developer().addEventListener("message", listen);
    developer().postMessage(asked, [canvas]);
    return () => {
      id.current = 0;
      developer().removeEventListener("message", listen);
      developer().postMessage({ kind: "close", id: mine } satisfies Asked);
      element.remove();
      setTold(null);
      setThumb(null);
    };
  }, [place, source]);

  return { thumb, shown: told?.kind === "shown" ? told : null, failed: told?.kind === "unshown" };
}
