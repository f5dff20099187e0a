// What everybody should know now: no network, no service, files that were not taken.
import type { Turned } from "../jobs/take";
import { words } from "../words";
import { Icon } from "./Icon";

interface Props {
  offline: boolean;
  away: boolean;
  /** A photo that was given up could not be erased yet. */
  owed: boolean;
  keeps: boolean;
  refused: readonly Turned[];
  onClose: () => void;
}

export function Notices({ offline, away, owed, keeps, refused, onClose }: Props) {
  return (
    <div className="notices">
      <div role="status">
        {offline && <p className="notice"><Icon name="offline" />{words.notices.offline}</p>}
        {away && <p className="notice"><Icon name="offline" />{words.notices.away}</p>}
        {owed && <p className="notice"><Icon name="trash" />{words.notices.owed}</p>}
        {!keeps && <p className="notice"><Icon name="warning" />{words.notices.noShelf}</p>}
      </div>
      {refused.length > 0 && (
        <section className="notice bad" role="alert" aria-labelledby="refused">
          <Icon name="warning" />
          <div className="told">
            <h2 id="refused">{words.notices.refused(refused.length)}</h2>
            <ul>
              {refused.map(({ name, reason }, at) => (
                <li key={`${at}-${name}`}>
                  <strong className="name" title={name}><bdi>{name}</bdi></strong>
                  <span>{words.reasons[reason].join(" ")}</span>
                </li>
              ))}
            </ul>
          </div>
          <button className="icon" aria-label={words.notices.close} onClick={onClose}><Icon name="close" /></button>
        </section>
      )}
    </div>
  );
}
