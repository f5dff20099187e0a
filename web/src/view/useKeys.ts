// What the keyboard does with the photo, wherever the focus is that needs none of these keys itself.
import { useEffect, useEffectEvent } from "react";

const PAN_PX = 60;
const DIVIDE = 5; // per cent of the photo's width
const TYPED = "input, select, textarea, dialog *";
const USED = `${TYPED}, button, a, summary, [role=slider]`; // these know arrows or the space bar

export interface Moves {
  zoomed: boolean;
  change: (to: "in" | "out" | "fit" | "full") => void;
  pan: (dx: number, dy: number) => void;
  /** Moves the divide between before and after by per cent. */
  divide: (by: number) => void;
  /** Whether the original is held up. */
  hold: (held: boolean) => void;
}

/** Space and O hold the original up; arrows divide, or pan when zoomed in; +, -, 0 and 1 zoom. */
export function useKeys(moves: Moves): void {
  const down = useEffectEvent((event: KeyboardEvent): void => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED) || document.querySelector("dialog[open]")) return;
    const move = zoomsAndHolds(event.key, moves) ?? (target.closest(USED) ? undefined : needsAFreeHand(event, moves));
    if (!move) return;
    event.preventDefault();
    move();
  });
  const up = useEffectEvent((event: { key: string }): void => {
    if (holds(event.key)) moves.hold(false);
  });
  const release = useEffectEvent((): void => {
    moves.hold(false);
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => { down(event); };
    const lift = (event: KeyboardEvent): void => { up(event); };
    const leave = (): void => { release(); };
    document.addEventListener("keydown", press);
    document.addEventListener("keyup", lift);
    globalThis.addEventListener("blur", leave);
    return () => {
      document.removeEventListener("keydown", press);
      document.removeEventListener("keyup", lift);
      globalThis.removeEventListener("blur", leave);
    };
  }, []);
}

function holds(key: string): boolean {
  return key === " " || key.toLowerCase() === "o";
}

function zoomsAndHolds(key: string, { change, hold }: Moves): (() => void) | undefined {
  const moves: Record<string, () => void> = {
    "+": () => { change("in"); },
    "=": () => { change("in"); },
    "-": () => { change("out"); },
    "0": () => { change("fit"); },
    "1": () => { change("full"); },
    o: () => { hold(true); },
  };
  return moves[key.toLowerCase()];
}

function needsAFreeHand({ key, shiftKey }: KeyboardEvent, { zoomed, pan, divide, hold }: Moves): (() => void) | undefined {
  const pans = zoomed && !shiftKey;
  const moves: Record<string, () => void> = {
    " ": () => { hold(true); },
    ArrowLeft: () => { if (pans) pan(PAN_PX, 0); else divide(-DIVIDE); },
    ArrowRight: () => { if (pans) pan(-PAN_PX, 0); else divide(DIVIDE); },
    ...(pans && {
      ArrowUp: () => { pan(0, PAN_PX); },
      ArrowDown: () => { pan(0, -PAN_PX); },
    }),
  };
  return moves[key];
}
