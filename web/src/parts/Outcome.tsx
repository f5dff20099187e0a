// The bright picture is there: download it, show it to others, or have it erased.
import { useState } from "react";
import type { Result } from "../api/shapes";
import type { Courier } from "../jobs/courier";
import { idOf, type Job } from "../jobs/job";
import { moment, size } from "../view/amounts";
import { words } from "../words";
import { Icon } from "./Icon";
import { Removal } from "./Removal";

interface Props {
  job: Job;
  jobs: readonly Job[];
  result: Result;
  courier: Courier;
  onGone: () => void;
}

export function Outcome({ job, jobs, result, courier, onGone }: Props) {
  const [shared, setShared] = useState<"no" | "copied" | "shown">("no");
  const [removing, setRemoving] = useState(false);
  const expires = Date.parse(job.status?.expires_at ?? "") || null;
  const link = `${location.origin}/#${idOf(job) ?? ""}`;

  const share = async (): Promise<void> => {
    try {
      if (matchMedia("(pointer: coarse)").matches && "share" in navigator) {
        await navigator.share({ title: words.result.shareTitle, text: words.result.shareText, url: link });
      } else {
        await navigator.clipboard.writeText(link);
        setShared("copied");
      }
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) setShared("shown"); // then by hand
    }
  };

  return (
    <section className="card outcome">
      <p className="fine" role="status">
        <span className="done"><Icon name="check" />{words.progress.done}</span>
        <span>{words.result.facts(result.width, result.height, size(result.size))}</span>
      </p>
      <a className="button primary large" href={result.url} download="">
        <Icon name="download" />
        {words.result.download}
      </a>
      <div className="row">
        <button className="button" onClick={() => void share()}>
          <Icon name={shared === "copied" ? "check" : "share"} />
          {shared === "copied" ? words.result.copied : words.result.share}
        </button>
        {!job.shared && <button className="button quiet" onClick={() => { setRemoving(true); }}><Icon name="trash" />{words.result.remove}</button>}
      </div>
      <div role="status">
        {shared === "copied" && <p className="fine"><span className="unseen">{words.result.copied}. </span>{words.result.shareNote}</p>}
        {shared === "shown" && (
          <label className="fine">
            {words.result.shareByHand} <input readOnly value={link} onFocus={({ target }) => { target.select(); }} />
          </label>
        )}
      </div>
      {expires && <p className="fine">{words.result.kept(moment(new Date(expires), new Date()))}</p>}
      {removing && <Removal job={job} jobs={jobs} courier={courier} onGone={onGone} onKept={() => { setRemoving(false); }} />}
    </section>
  );
}
