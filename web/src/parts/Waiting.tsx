// What happens to a photo while one waits: a sentence, a bar that only shows what is known, and a way out.
import type { Progress } from "../api/send";
import type { Job } from "../jobs/job";
import { sentence } from "../view/sentence";
import { useNow } from "../view/useNow";
import { useOnline } from "../view/useOnline";
import { words } from "../words";

interface Props {
  job: Job;
  progress: Progress | null;
  /** The preview is there to be looked at meanwhile. */
  previewed: boolean;
  onCancel: () => void;
}

export function Waiting({ job, progress, previewed, onCancel }: Props) {
  const online = useOnline();
  const { title, detail, share, slow, step } = sentence(job, progress, useNow(true), online);
  return (
    <section className="card waiting" data-slow={slow}>
      <ol className="steps">
        {words.progress.steps.map((name, at) => (
          <li key={name} aria-current={at === step ? "step" : undefined} data-done={at < step}>{name}</li>
        ))}
      </ol>
      <p role="status" className="phase">{title}</p>
      <progress {...(share === null ? {} : { value: share })} max={1} aria-label={words.progress.label} />
      <p className="fine detail" aria-live="off">{detail}</p>
      <div className="line">
        <p className="fine">{previewed && words.progress.note}</p>
        {!job.shared && <button className="button small" onClick={onCancel}>{words.progress.cancel}</button>}
      </div>
    </section>
  );
}
