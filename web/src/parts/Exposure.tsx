// How bright, in stops, and in which format; the picture follows at once, the real one when asked.
import type { Format } from "../api/shapes";
import { ratioOf, STOPS } from "../photo/exposure";
import { words } from "../words";

/** `stops` null: as the service finds best. */
export interface Choice {
  stops: number | null;
  format: Format;
}

interface Props {
  choice: Choice;
  given: Choice;
  /** EV that `auto` comes to. */
  best: number;
  /** Nobody has seen the photo itself yet, only the picture that the camera made of it. */
  byCamera: boolean;
  canApply: boolean;
  onChoice: (choice: Choice) => void;
  onApply: () => void;
}

export function Exposure({ choice, given, best, byCamera, canApply, onChoice, onApply }: Props) {
  const stops = choice.stops ?? best;
  const guessed = byCamera && choice.stops === null;
  const told = (value: string): string => (guessed ? words.exposure.about(value) : value);
  const changed = choice.stops !== given.stops || choice.format !== given.format;
  return (
    <section className="card exposure" aria-label={words.exposure.label}>
      <div className="line">
        <label htmlFor="stops">{words.exposure.label}</label>
        <output htmlFor="stops" aria-live="off">{told(words.exposure.stops(stops))}</output>
        <button className="button small toggle" aria-pressed={choice.stops === null} onClick={() => { onChoice({ ...choice, stops: choice.stops === null ? best : null }); }}>
          {words.exposure.auto}
        </button>
      </div>
      <input
        id="stops"
        type="range"
        min={STOPS.least}
        max={STOPS.most}
        step={STOPS.step}
        value={stops}
        aria-valuetext={told(words.exposure.spoken(stops, ratioOf(stops)))}
        aria-describedby={byCamera ? "by-camera" : undefined}
        onChange={({ target }) => { onChoice({ ...choice, stops: Number(target.value) }); }}
      />
      <div className="scale" aria-hidden="true">{[0, 1, 2, 3, 4, 5, 6, 7, 8].map((stop) => <span key={stop}>{stop}</span>)}</div>
      <p className="fine meaning">{words.exposure.meaning(stops, ratioOf(stops))}</p>
      {byCamera && <p className="fine meaning" id="by-camera">{words.exposure.byCamera}</p>}
      <div className="line">
        <label htmlFor="format">{words.exposure.format}</label>
        <select id="format" value={choice.format} onChange={({ target }) => { onChoice({ ...choice, format: target.value as Format }); }}>
          {Object.entries(words.exposure.formats).map(([format, name]) => <option key={format} value={format}>{name}</option>)}
        </select>
      </div>
      {changed && (
        <div className="choice">
          <div className="row">
            <button className="button primary" disabled={!canApply} onClick={onApply}>{words.exposure.apply}</button>
            <button className="button quiet" onClick={() => { onChoice(given); }}>{words.exposure.reset}</button>
          </div>
          {!canApply && <p className="fine">{words.exposure.later}</p>}
        </div>
      )}
    </section>
  );
}
