// The last question before a photo is erased: what goes now, and when the others go by themselves.
import { useEffect, useRef, useState } from "react";
import type { Courier } from "../jobs/courier";
import type { Job } from "../jobs/job";
import { moment } from "../view/amounts";
import { words } from "../words";

interface Props {
  job: Job;
  jobs: readonly Job[];
  courier: Courier;
  onGone: () => void;
  onKept: () => void;
}

export function Removal({ job, jobs, courier, onGone, onKept }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [failed, setFailed] = useState(false);
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    dialog.current?.showModal();
  }, []);

  const others = jobs.filter((other) => other.key !== job.key && !other.shared && other.stage !== "gone" && other.status);
  const last = Math.max(0, ...others.map((other) => Date.parse(other.status?.expires_at ?? "") || 0));
  const remove = async (): Promise<void> => {
    setBusy(true);
    try {
      await courier.remove(job.key);
      onGone();
    } catch {
      setFailed(true);
      setBusy(false);
    }
  };

  return (
    <dialog ref={dialog} onClose={onKept} aria-labelledby="removal">
      <h2 id="removal">{words.removal.title}</h2>
      <p>{words.removal.what}</p>
      {last > 0 && <p>{words.removal.rest(others.length, moment(new Date(last), new Date()))}</p>}
      {failed && <p role="alert" className="bad-words">{words.removal.failed}</p>}
      <div className="row">
        <button className="button" autoFocus onClick={onKept}>{words.removal.no}</button>
        <button className="button danger" disabled={busy} onClick={() => void remove()}>{words.removal.yes}</button>
      </div>
    </dialog>
  );
}
