// The photos of this browser, newest first, each with how it fares.
import { useEffect, useRef, type CSSProperties } from "react";
import type { Progress } from "../api/send";
import type { Courier } from "../jobs/courier";
import { isUnderWay, type Job } from "../jobs/job";
import { stopsOf } from "../photo/exposure";
import { useThumb } from "../view/useThumb";
import { words } from "../words";
import { Icon } from "./Icon";

const GAMMA = 2.2; // so much that a gain of linear light becomes one of the screen's values
const MOST_LIGHT = 6;

interface Props {
  jobs: readonly Job[];
  progress: ReadonlyMap<string, Progress>;
  courier: Courier;
  selected: string | null;
  onSelect: (key: string) => void;
}

function stateOf(job: Job): keyof typeof words.history.states {
  if (job.stage === "gone") return "gone";
  if (job.stage === "waiting") return "waiting";
  if (isUnderWay(job)) return "working";
  return job.status?.state === "done" ? "done" : "failed";
}

export function History({ jobs, progress, courier, selected, onSelect }: Props) {
  const gone = jobs.filter((job) => job.stage === "gone");
  const strip = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const item = strip.current?.querySelector<HTMLElement>("[aria-current=true]");
    if (strip.current && item) strip.current.scrollLeft = item.offsetLeft - (strip.current.clientWidth - item.offsetWidth) / 2; // the page itself stays
  }, [selected]);
  return (
    <nav className="history" aria-label={words.history.label}>
      <ul ref={strip}>
        {jobs.map((job) => {
          const state = stateOf(job);
          const sent = progress.get(job.key);
          return (
            <li key={job.key}>
              <button
                className="item"
                data-state={state}
                aria-current={job.key === selected}
                aria-label={words.history.item(job.name, words.history.states[state])}
                title={job.name}
                onClick={() => { onSelect(job.key); }}
              >
                <Thumb job={job} courier={courier} open={job.key === selected} />
                {state === "failed" && <span className="badge bad"><Icon name="warning" /></span>}
                {state === "done" && job.wish.ratio !== null && <span className="badge">{words.exposure.stops(stopsOf(job.wish.ratio))}</span>}
                {(state === "working" || state === "waiting") && <progress aria-hidden="true" {...(sent ? { value: sent.sent / sent.size } : {})} max={1} />}
              </button>
            </li>
          );
        })}
      </ul>
      {gone.length > 0 && (
        <button className="button small quiet" onClick={() => { for (const job of gone) courier.forget(job.key); }}>
          {words.history.forgetGone}
        </button>
      )}
    </nav>
  );
}

/** A picture that nobody has looked at yet is dark; once its result is there, the strip shows it with as much light. */
function Thumb({ job, courier, open }: { job: Job; courier: Courier; open: boolean }) {
  const url = useThumb(job, courier.shelf, open);
  if (!url) return <Icon name="photo" />;
  const ratio = job.hasThumb ? 1 : (job.status?.result?.ratio ?? 1);
  return <img src={url} alt="" style={{ "--light": Math.min(MOST_LIGHT, ratio ** (1 / GAMMA)) } as CSSProperties} />;
}
