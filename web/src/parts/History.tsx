// The photos of this browser, newest first, each with how it fares.
import { useEffect, useState } from "react";
import type { Progress } from "../api/send";
import type { Courier } from "../jobs/courier";
import { isUnderWay, type Job } from "../jobs/job";
import { stopsOf } from "../photo/exposure";
import { words } from "../words";
import { Icon } from "./Icon";

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
  return (
    <nav className="history" aria-label={words.history.label}>
      <ul>
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
                <Thumb job={job} courier={courier} />
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

function Thumb({ job, courier }: { job: Job; courier: Courier }) {
  const [url, setUrl] = useState<string | null>(null);
  const { shelf } = courier;
  const { key, hasThumb } = job;
  useEffect(() => {
    let made: string | null = null;
    let stale = false;
    void shelf.picture(key, "thumb").then((thumb) => {
      if (!thumb || stale) return;
      made = URL.createObjectURL(thumb);
      setUrl(made);
    });
    return () => {
      stale = true;
      if (made) URL.revokeObjectURL(made);
    };
  }, [key, hasThumb, shelf]);
  return url ? <img src={url} alt="" /> : <Icon name="photo" />;
}
