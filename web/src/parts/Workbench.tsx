// One photo: the picture, and beside it what happens to it and what can be done.
import { useEffect, useRef, useState } from "react";
import type { Progress } from "../api/send";
import type { Courier } from "../jobs/courier";
import { canGoAgain, isUnderWay, type Job } from "../jobs/job";
import { takeAgain } from "../jobs/take";
import { ratioOf, stopsOf } from "../photo/exposure";
import { useOriginal } from "../photo/useOriginal";
import { sourceRatio, usePreview } from "../preview/usePreview";
import { words } from "../words";
import { Exposure, type Choice } from "./Exposure";
import { Hints } from "./Hints";
import { Icon } from "./Icon";
import { Outcome } from "./Outcome";
import { Trouble } from "./Trouble";
import { Viewer } from "./Viewer";
import { Waiting } from "./Waiting";

interface Props {
  job: Job;
  jobs: readonly Job[];
  progress: Progress | null;
  courier: Courier;
  onSelect: (key: string | null) => void;
  onPick: () => void;
}

export function Workbench({ job, jobs, progress, courier, onSelect, onPick }: Props) {
  const { shelf } = courier;
  const original = useOriginal(job, shelf);
  const result = job.status?.state === "done" ? job.status.result : null;
  const given: Choice = { stops: job.wish.ratio === null ? null : stopsOf(job.wish.ratio), format: job.wish.format };
  const [choice, setChoice] = useState<Choice>(given);
  const reExposed = choice.stops !== given.stops;
  const madeRatio = result?.ratio ?? job.wish.ratio;
  const previewRatio = reExposed ? (choice.stops === null ? null : ratioOf(choice.stops)) : madeRatio;
  const place = useRef<HTMLDivElement>(null);
  const best = job.wish.ratio === null && result ? result.ratio : null;
  const preview = usePreview(place, original.source, sourceRatio(original.source, previewRatio, job.estimate, best));
  const { shown, thumb } = preview;
  const foundBest = stopsOf(best ?? shown?.estimate ?? job.estimate ?? 1);

  useEffect(() => {
    if (!shown) return;
    shelf.change(job.key, (now) => (now.estimate === shown.estimate ? now : { ...now, estimate: shown.estimate }));
  }, [shown, shelf, job.key]);

  useEffect(() => {
    if (!thumb) return;
    shelf.putPicture(job.key, "thumb", thumb);
    shelf.change(job.key, (now) => (now.hasThumb ? now : { ...now, hasThumb: true }));
  }, [thumb, shelf, job.key]);

  useEffect(() => {
    const { source } = original;
    if (source) shelf.change(job.key, (now) => (now.width ? now : { ...now, width: source.width, height: source.height }));
  }, [original, shelf, job.key]);

  const apply = async (): Promise<void> => {
    const ratio = reExposed ? previewRatio : madeRatio;
    const fresh = await takeAgain(job, { ratio, format: choice.format }, courier);
    if (fresh) onSelect(fresh.key);
  };

  const leave = (): void => {
    onSelect(null);
  };
  const giveUp = (): void => {
    courier.withdraw(job.key);
    leave();
  };
  const failed = job.status?.state === "failed" ? job.status.error : null;
  const offers = canGoAgain(job) && !job.shared;
  return (
    <div className="workbench">
      <Viewer job={job} original={original} place={place} preview={preview} result={result} showsPreview={reExposed} />
      <section className="panel" aria-label={job.name}>
        <header className="title">
          <h1 className="name" title={job.name}><bdi>{job.shared ? words.shared.title : job.name}</bdi></h1>
          <button className="button small" onClick={job.shared ? leave : onPick}>
            <Icon name="plus" />
            {job.shared ? words.shared.make : words.result.another}
          </button>
        </header>
        {job.shared && <p className="fine">{words.shared.lead}</p>}
        {isUnderWay(job) && <Waiting job={job} progress={progress} previewed={shown !== null} onCancel={giveUp} />}
        {job.stage === "refused" && job.trouble && (
          <Trouble title={words.failed.refused} trouble={job.trouble} onRetry={() => { courier.begin(job.key); }} onDismiss={giveUp} />
        )}
        {failed && (
          <Trouble
            title={words.failed.title}
            trouble={{ title: failed.title, detail: failed.detail === failed.title ? "" : failed.detail, cure: failed.cure, retryAt: null, passes: true }}
            onRetry={() => void apply()}
            onDismiss={giveUp}
          />
        )}
        {(job.stage === "gone" || job.status?.state === "cancelled") && (
          <div className="card" role="status">
            <h2>{job.stage === "gone" ? words.failed.gone : words.failed.cancelled}</h2>
            <p>{job.stage === "gone" ? words.failed.goneLead : words.failed.cancelledLead}</p>
            <button className="button" onClick={giveUp}>{words.failed.dismiss}</button>
          </div>
        )}
        {result && <Outcome job={job} jobs={jobs} result={result} courier={courier} onGone={leave} />}
        {!job.shared && job.stage !== "gone" && !failed && (shown ?? result) && (
          <Exposure choice={choice} given={given} best={foundBest} byCamera={best === null && original.source?.byCamera === true} canApply={offers} onChoice={setChoice} onApply={() => void apply()} />
        )}
        <Hints />
      </section>
    </div>
  );
}
