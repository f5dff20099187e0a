// A photo that was not taken or failed: why, what helps, and when to try again.
import type { Trouble as Facts } from "../jobs/job";
import { duration } from "../view/amounts";
import { useNow } from "../view/useNow";
import { words } from "../words";
import { Icon } from "./Icon";

interface Props {
  title: string;
  trouble: Facts;
  onRetry: () => void;
  onDismiss: () => void;
}

export function Trouble({ title, trouble, onRetry, onDismiss }: Props) {
  const now = useNow(trouble.retryAt !== null);
  const left = trouble.retryAt === null ? 0 : Math.ceil((trouble.retryAt - now) / 1000);
  return (
    <section className="card bad" role="alert">
      <h2><Icon name="warning" />{title}</h2>
      <p>{trouble.title} {trouble.detail}</p>
      <p>{trouble.cure}</p>
      <div className="row">
        {trouble.passes && (
          <button className="button primary" disabled={left > 0} onClick={onRetry}>
            {left > 0 ? words.failed.retryIn(duration(left)) : words.failed.retry}
          </button>
        )}
        <button className="button quiet" onClick={onDismiss}>{words.failed.dismiss}</button>
      </div>
    </section>
  );
}
