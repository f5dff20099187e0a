"""Jobs that are stuck: past their end, without attempts, abandoned, or waiting where no machine comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.checkup.finding import Finding, error, warning
from jobs.job import Job
from jobs.ports import Ports
from jobs.transitions import MAX_ATTEMPTS, Terms

MOST = 1000
GRACE_MS = 60_000  # beyond what a tick should have done


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Unfinished jobs, at most a thousand of each state. `workers` show a fresh sign of life, `machines` are up."""

    jobs: Sequence[Job]
    workers: int
    machines: int
    terms: Terms
    patience_ms: int
    unreadable: Sequence[str] = ()


def unfinished(ports: Ports) -> tuple[list[Job], list[str]]:
    """The jobs, and the keys of rows that are no job's. Raises StoreBusy."""
    jobs: list[Job] = []
    unreadable: list[str] = []
    for state in ("queued", "running"):
        for row in ports.table.listed(state, limit=MOST):
            try:
                jobs.append(Job.from_json(row.doc))
            except ValueError:
                unreadable.append(row.key)
    return jobs, unreadable


def findings(backlog: Backlog, now: int) -> list[Finding]:
    """Pure: one of each kind, naming the first."""
    late = [job for job in backlog.jobs if now - job.deadline_ms > GRACE_MS]
    left = [job for job in backlog.jobs if job not in late]
    spent = [job for job in left if job.state == "queued" and job.attempts >= MAX_ATTEMPTS]
    abandoned = [
        job for job in left if job.lease is not None and now - job.lease.until_ms > backlog.terms.lease_ms + GRACE_MS
    ]
    waiting = [
        job for job in left if job.state == "queued" and job not in spent and now - job.created_ms > backlog.patience_ms
    ]
    found = []
    if late:
        found.append(
            error(
                "job_past_deadline",
                f"{_named(late)} past the deadline, and nobody has ended {'them' if len(late) > 1 else 'it'}.",
                "Start the tick: `firstlight tick`, or `firstlight tick --once` now.",
            )
        )
    if abandoned:
        found.append(
            error(
                "job_abandoned",
                f"{_named(abandoned)} held by a worker that has gone silent.",
                "Start the tick: `firstlight tick`, or `firstlight tick --once` now.",
            )
        )
    if spent:
        found.append(
            error(
                "job_without_attempts",
                f"{_named(spent)} in line, and has no attempt left.",
                f"`firstlight jobs cancel {spent[0].id}`, and send the photo again.",
            )
        )
    if waiting and not backlog.workers and not backlog.machines:
        waited = max(now - job.created_ms for job in waiting) / 60_000
        found.append(
            error(
                "jobs_without_machine",
                f"{_named(waiting)} in line for up to {waited:.0f} minutes, and no machine comes.",
                "Start the tick (`firstlight tick`); what keeps machines away stands in the other findings and in "
                "`firstlight machines list`.",
            )
        )
    if backlog.unreadable:
        found.append(
            warning(
                "row_unreadable",
                f"{len(backlog.unreadable)} rows cannot be read as jobs ({backlog.unreadable[0]}).",
                "Run the newest release, which may have written them; else remove them by hand.",
            )
        )
    return found


def _named(jobs: Sequence[Job]) -> str:
    more = f" and {len(jobs) - 1} more are" if len(jobs) > 1 else " is"
    return f"The photo {jobs[0].id}{more}"
