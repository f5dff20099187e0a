// Whether the browser has a network at all.
import { useSyncExternalStore } from "react";

function subscribe(listener: () => void): () => void {
  for (const event of ["online", "offline"]) globalThis.addEventListener(event, listener);
  return () => {
    for (const event of ["online", "offline"]) globalThis.removeEventListener(event, listener);
  };
}

export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}
