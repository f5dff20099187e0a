// Whether a machine is ready, in the page's corner.
import { duration } from "../view/amounts";
import type { WarmthSeen } from "../view/useWarmth";
import { words } from "../words";

interface Props extends Pick<WarmthSeen, "warmth" | "away"> {
  offline: boolean;
  /** A photo is under way, so its own phase tells more than that no machine runs. */
  busy: boolean;
}

export function MachineChip({ warmth, away, offline, busy }: Props) {
  const state = offline ? "offline" : away ? "unknown" : warmth?.state;
  if (!state || (state === "none" && busy)) return <span className="chip" aria-hidden="true" />;
  const about = warmth?.eta_seconds ? `, ${words.progress.left(duration(warmth.eta_seconds))}` : "";
  const long = state === "starting" ? words.machine.starting(about) : words.machine[state];
  return (
    <span className="chip" data-state={state} title={warmth?.detail ?? ""} role="img" aria-label={long}>
      <span className="dot" />
      <span className="long">{long}</span>
      <span className="short">{words.machine.short[state]}</span>
    </span>
  );
}
