// The photo as it was taken: from this browser, or else from the service; with its size, once the browser can read it.
import { useEffect, useState } from "react";
import { idOf, type Job } from "../jobs/job";
import type { Shelf } from "../jobs/shelf";
import type { Source } from "../preview/usePreview";
import { isRawName } from "./kinds";
import { sizeOf } from "./size";

export interface Original {
  source: Source | null;
  /** For an image element. */
  url: string | null;
  /** Nothing that a browser could show. */
  missing: boolean;
}

const NOTHING: Original = { source: null, url: null, missing: false };

export function useOriginal(job: Job, shelf: Shelf): Original {
  const [original, setOriginal] = useState<Original>(NOTHING);
  const id = idOf(job);
  const local = job.size > 0;
  useEffect(() => {
    let url: string | null = null;
    let stale = false;
    const isOver = (): boolean => stale;
    const found = async (): Promise<void> => {
      const kept = await shelf.original(job.key);
      const blob = kept ?? (id ? await fetched(id) : null);
      if (isOver()) return;
      if (blob) url = URL.createObjectURL(blob);
      if (blob && !kept) shelf.putPicture(job.key, "before", blob);
      const size = blob && url !== null ? await sizeOf(blob, url) : null;
      if (isOver()) return;
      setOriginal(blob && size ? { source: { blob, ...size, byCamera: isRawName(job.name) }, url, missing: false } : { ...NOTHING, missing: true });
    };
    void found();
    return () => {
      stale = true;
      if (url) URL.revokeObjectURL(url);
      setOriginal(NOTHING);
    };
    // A local photo is the same before and after it has an id; one that came by a link is not there before.
  }, [job.key, job.name, local ? "" : id, shelf]); // eslint-disable-line react-hooks/exhaustive-deps
  return original;
}

async function fetched(id: string): Promise<Blob | null> {
  try {
    const answer = await fetch(`/photo/${id}/original`);
    return answer.ok ? await answer.blob() : null;
  } catch {
    return null; // offline: the result may still be in the browser's own store
  }
}
