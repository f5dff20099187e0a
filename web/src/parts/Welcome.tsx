// The page before the first photo: where to drop one, and what becomes of it.
import { useRef, useState } from "react";
import type { Intent } from "../api/shapes";
import type { Terms } from "../terms";
import { duration } from "../view/amounts";
import { words } from "../words";
import { Demo } from "./Demo";
import { Icon } from "./Icon";
import sample from "./sample.jpg";

interface Props {
  terms: Terms;
  onPick: () => void;
  onFiles: (files: readonly File[]) => void;
  warm: (intent: Intent) => void;
}

export function Welcome({ terms, onPick, onFiles, warm }: Props) {
  const camera = useRef<HTMLInputElement>(null);
  const [failed, setFailed] = useState(false);

  const trySample = async (): Promise<void> => {
    warm("pick");
    try {
      const answer = await fetch(sample);
      if (!answer.ok) throw new TypeError("no sample");
      onFiles([new File([await answer.blob()], words.sample.name, { type: "image/jpeg" })]);
    } catch {
      setFailed(true);
    }
  };

  return (
    <section className="welcome">
      <div className="glow" aria-hidden="true" />
      <div className="words">
        <h1>
          <span className="mouse-only">{words.welcome.title.drop}</span>
          <span className="touch-only">{words.welcome.title.choose}</span>
          {words.welcome.title.rest}
        </h1>
        <p className="lead">{words.welcome.lead}</p>
        <div className="row">
          <button className="button primary large" onClick={onPick}>{words.welcome.pick}</button>
          <button className="button large touch-only" onClick={() => { warm("pick"); camera.current?.click(); }}>
            <Icon name="camera" />
            {words.welcome.camera}
          </button>
        </div>
        <input
          ref={camera}
          type="file"
          accept="image/*"
          capture="environment"
          hidden
          aria-label={words.welcome.camera}
          onChange={({ target }) => { onFiles([...(target.files ?? [])]); target.value = ""; }}
        />
      </div>
      <Demo onTry={() => void trySample()} />
      {failed && <p role="alert" className="bad-words">{words.sample.failed}</p>}
      <div className="terms fine">
        <p>{words.welcome.kinds(Math.round(terms.largest / 1e6))}</p>
        <p>{words.welcome.kept(duration(terms.kept))}</p>
      </div>
    </section>
  );
}
