// What the service does, seen before it is read: a sample half in the dark, and one click to try it.
import { words } from "../words";
import after from "./sample-after.webp";
import before from "./sample-before.webp";

export function Demo({ onTry }: { onTry: () => void }) {
  return (
    <button className="demo" onClick={onTry}>
      <img src={after} alt="" width="600" height="400" draggable={false} />
      <img className="night" src={before} alt="" width="600" height="400" draggable={false} />
      <span className="edge" aria-hidden="true" />
      <span className="tag">
        <strong>{words.welcome.sample}</strong>
        <span>{words.welcome.sampleLead}</span>
        <small>{words.welcome.sampleCredit}</small>
      </span>
    </button>
  );
}
