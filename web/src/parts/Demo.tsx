// What the service does, seen before it is read: a sample half in the dark, and one click to try it.
import type { SyntheticEvent } from "react";
import { words } from "../words";
import after from "./sample-after.webp";
import before from "./sample-before.webp";

export function Demo({ onTry }: { onTry: () => void }) {
  return (
    <button className="demo" onClick={onTry}>
      <img src={after} alt="" width="600" height="400" draggable={false} onError={vanish} />
      <img className="night" src={before} alt="" width="600" height="400" draggable={false} onError={vanish} />
      <span className="edge" aria-hidden="true" />
      <span className="tag">
        <strong>{words.welcome.sample}</strong>
        <span>{words.welcome.sampleLead}</span>
        <small>{words.welcome.sampleCredit}</small>
      </span>
    </button>
  );
}

/** Offline the sign of a broken picture would be all there is. */
function vanish({ currentTarget }: SyntheticEvent<HTMLImageElement>): void {
  currentTarget.style.visibility = "hidden";
}
