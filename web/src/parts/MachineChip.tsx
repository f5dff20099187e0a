// Whether a machine is ready, in the page's corner.
import { duration } from "../view/amounts";
import type { WarmthSeen } from "../view/useWarmth";
import { words } from "../words";

export function MachineChip({ warmth, away }: Pick<WarmthSeen, "warmth" | "away">) {
  if (!warmth && !away) return <span className="chip" data-state="none" aria-hidden="true" />;
  const state = away ? "unknown" : (warmth?.state ?? "none");
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
