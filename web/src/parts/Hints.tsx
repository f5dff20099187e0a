// The keys that help with a photo, for those who have a keyboard.
import { words } from "../words";

export function Hints() {
  return (
    <ul className="hints fine" aria-hidden="true">
      {words.stage.hints.map(([key, what]) => (
        <li key={key}><kbd>{key}</kbd> {what}</li>
      ))}
    </ul>
  );
}
