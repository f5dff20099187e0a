"""What an operator may do to jobs: find, list, send anew, cancel; he has the stores, so he needs no owner token.

Nothing here changes a job that is `done`, `failed` or `cancelled` (S2): to try again makes a new one.
"""

from __future__ import annotations

import uuid

from jobs.errors import FirstlightError
from jobs.intake import Accepted, Order, accept_again, erase_blobs
from jobs.job import Job, job_key
from jobs.ports import Ports
from jobs.transitions import erase

FOR_EVER_MS = 1 << 52  # later than any row is due
MOST = 5000  # rows that are looked through
OPERATOR = "operator"


class NotPossible(FirstlightError):
    """The job is not one for this; a sentence that says why, and what would do."""


def known(ports: Ports, *, most: int = MOST) -> list[Job]:
    """Every job that is kept, oldest first; of more rows than `most` those that are due first. Raises StoreBusy.

    Finished jobs stand in no list of their own: they are found among the rows that wait for the sweep.
    """
    jobs: list[Job] = []
    for row in ports.table.due(now=FOR_EVER_MS, limit=most):
        if row.key.startswith(job_key("")):
            try:
                jobs.append(Job.from_json(row.doc))
            except ValueError:
                continue  # `firstlight doctor` tells of it
    return sorted(jobs, key=lambda job: (job.created_ms, job.id))


def found(ports: Ports, beginning: str) -> Job:
    """The one job whose id begins so. Raises NotPossible, StoreBusy."""
    wanted = beginning.strip().lower()
    if _is_whole(wanted) and (job := ports.ledger.read(wanted)) is not None:
        return job
    some = [job for job in known(ports) if job.id.startswith(wanted)] if wanted else []
    if len(some) > 1:
        ids = ", ".join(job.id[: len(wanted) + 4] for job in some[:3])
        raise NotPossible(f"{len(some)} photos begin with {beginning!r} ({ids}, …): give more of the id.")
    if not some:
        raise NotPossible(f"No photo begins with {beginning!r}: `firstlight jobs list` shows those that are kept.")
    return some[0]


def retried(ports: Ports, job: Job) -> Accepted:
    """A new job for the photo of a failed one; the same new one however often it is asked for.

    Raises NotPossible, Refused (source_gone) and StoreBusy.
    """
    if job.state != "failed":
        why = {
            "queued": "waits already; if its message was lost, the tick sends it again",
            "running": "is being enhanced already",
            "done": "is done; to enhance it anew, send `again=<id>` to /upload",
            "cancelled": "was cancelled, and nothing of it is kept: send the photo again",
        }[job.state]
        raise NotPossible(f"The photo {job.id} {why}.")
    if job.deleted:
        raise NotPossible(f"The photo {job.id} was deleted, and nothing of it is kept: send it again.")
    if not job.photo:
        raise NotPossible(f"The photo {job.id} came straight into the store and nobody ever read it: send it again.")
    order = Order(
        ratio=job.ratio,
        format=job.format,
        photo=job.photo,
        size=job.source_size,
        sha256=job.source_sha256,
        visitor=OPERATOR,
        idempotency_key=f"retry of {job.id}",
    )
    return accept_again(ports, order, job)


def cancelled(ports: Ports, job: Job) -> Job:
    """End an unfinished job and erase what was kept of it. Raises NotPossible when it ended first, and StoreBusy."""

    def transition(now_there: Job) -> Job:
        if now_there.finished:
            raise NotPossible(f"The photo {job.id} is {now_there.state}, and that never changes.")
        return erase(now_there, now=ports.clock())

    after = ports.ledger.change(job.id, transition)
    if after is None:
        raise NotPossible(f"The photo {job.id} is not kept any more.")
    erase_blobs(ports, after)
    return after


def _is_whole(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
