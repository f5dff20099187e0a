// Whether a machine is ready; and saying that a photo may come, when a person looks or reaches for one, or that he left.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import { call, Refused } from "../api/call";
import type { Intent, Warmth } from "../api/shapes";
import type { Shelf } from "../jobs/shelf";
import { useLeaving } from "./useLeaving";

const KEY = ["warmth"];
const AGAIN_MS: Record<Intent, number> = { view: 10 * 60_000, pick: 30_000 };
const ASK_MS: Record<Warmth["state"], number> = { starting: 3000, none: 20_000, ready: 30_000 };
const SIGNS = ["pointermove", "pointerdown", "keydown", "touchstart", "scroll"] as const;

async function told(): Promise<Warmth> {
  return (await (await call("/warm")).json()) as Warmth;
}

async function asked(intent: Intent): Promise<Warmth> {
  const json = { "Content-Type": "application/json" };
  return (await (await call("/warm", { method: "POST", body: JSON.stringify({ intent }), headers: json })).json()) as Warmth;
}

export interface WarmthSeen {
  warmth: Warmth | undefined;
  /** Nobody answers. */
  away: boolean;
  warm: (intent: Intent) => void;
}

export function useWarmth(shelf: Shelf): WarmthSeen {
  const queries = useQueryClient();
  const { hasLeft, come, pick } = useLeaving(shelf);
  const lastAsked = useRef<Partial<Record<Intent, number>>>({});
  const { data, isError } = useQuery({
    queryKey: KEY,
    queryFn: told,
    refetchInterval: ({ state }) => ASK_MS[state.data?.state ?? "none"], // and only while the page is visible
    retry: false,
    networkMode: "always",
  });

  const warm = useCallback(
    (intent: Intent) => {
      if (intent === "pick") pick();
      const now = performance.now();
      if (now - (lastAsked.current[intent] ?? -Infinity) < AGAIN_MS[intent]) return;
      lastAsked.current[intent] = now;
      asked(intent).then(
        (warmth) => queries.setQueryData(KEY, warmth),
        (error: unknown) => {
          if (!(error instanceof Refused)) lastAsked.current[intent] = -Infinity; // a spent budget is an answer, too
        },
      );
    },
    [queries, pick],
  );

  /** Who comes back keeps the machine that still waits for him; he starts no other so soon. */
  const welcome = useCallback(() => {
    come();
    told().then(
      ({ state }) => {
        if (state !== "none") lastAsked.current.view = -Infinity;
        warm("view");
      },
      () => undefined, // nobody answers: the next sign of a hand asks as ever
    );
  }, [come, warm]);

  // A page that was prefetched, opened in the background or by a robot shows no sign of a hand.
  useEffect(() => {
    const seen = (): void => {
      if (document.visibilityState !== "visible") return;
      if (hasLeft()) welcome();
      else warm("view");
    };
    for (const sign of SIGNS) globalThis.addEventListener(sign, seen, { passive: true });
    return () => {
      for (const sign of SIGNS) globalThis.removeEventListener(sign, seen);
    };
  }, [warm, hasLeft, welcome]);

  return { warmth: data, away: isError, warm };
}
