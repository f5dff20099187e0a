"""Jobs in the table: reading them, and changing them by the pure transitions, one conditional write each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from jobs.clock import Clock
from jobs.errors import RowChanged, StoreBusy
from jobs.job import Job, job_key
from jobs.table import JobTable, Row
from jobs.transitions import LeaseLost, Terms

TRIES = 50  # conditional writes that may lose against others before the caller hears StoreBusy


class Ledger:
    """The job rows. Every change is a transition applied to the newest row, again if somebody else was faster."""

    def __init__(self, table: JobTable, *, terms: Terms, clock: Clock) -> None:
        self.table = table
        self.terms = terms
        self.clock = clock

    def insert(self, job: Job) -> None:
        """Raises RowExists."""
        self.table.insert(row_of(job, terms=self.terms))

    def read(self, job_id: str) -> Job | None:
        row = self.table.read(job_key(job_id))
        return Job.from_json(row.doc) if row else None

    def read_many(self, job_ids: Iterable[str]) -> dict[str, Job]:
        rows = self.table.read_many(job_key(job_id) for job_id in job_ids)
        jobs = (Job.from_json(row.doc) for row in rows.values())
        return {job.id: job for job in jobs}

    def change(self, job_id: str, transition: Callable[[Job], Job]) -> Job | None:
        """The job after the transition, or None when there is no such row.

        Whatever the transition raises goes to the caller and nothing is written. Raises StoreBusy after many lost
        races.
        """
        row = self.rewrite(job_id, transition)
        return Job.from_json(row.doc) if row else None

    def rewrite(self, job_id: str, transition: Callable[[Job], Job], *, last: Row | None = None) -> Row | None:
        """`change`, and the row that it wrote. `last` is the job's row as the caller wrote it.

        Nothing is read where that row still stands: the write's own condition tells. Nothing that `last` says is
        believed without such a write.
        """
        if last is not None:
            with suppress(LeaseLost, RowChanged):
                before = Job.from_json(last.doc)
                after = transition(before)
                if after != before:
                    return self.table.replace(row_of(after, terms=self.terms, revision=last.revision))
        for _ in range(TRIES):
            row = self.table.read(job_key(job_id))
            if row is None:
                return None
            before = Job.from_json(row.doc)
            after = transition(before)
            if after == before:
                return row
            try:
                return self.table.replace(row_of(after, terms=self.terms, revision=row.revision))
            except RowChanged:
                continue
        raise StoreBusy(f"job {job_id} changed too often")

    def position(self, job: Job) -> int | None:
        """How many waiting jobs go before this one; None when it does not wait."""
        if job.state != "queued":
            return None
        return self.table.count("queued", before_ms=job.created_ms)

    def waiting(self) -> int:
        return self.table.count("queued")

    def running(self) -> int:
        return self.table.count("running")


def row_of(job: Job, *, terms: Terms, revision: int = 0) -> Row:
    """The job's row: unfinished jobs are listed by state in order of arrival, and due when the sweeper must look."""
    return Row(
        key=job_key(job.id),
        doc=job.to_json(),
        revision=revision,
        due_ms=due_ms(job, terms=terms),
        group=None if job.finished else job.state,
        rank_ms=job.created_ms,
    )


def due_ms(job: Job, *, terms: Terms) -> int:
    """When the sweeper should look at a job: a silent holder, a lost message, its deadline, or its expiry."""
    if job.finished:
        return job.expires_ms
    if job.state == "running" and job.lease is not None:
        return min(job.deadline_ms, job.lease.until_ms)
    return min(job.deadline_ms, job.sent_ms + resend_after_ms(job.sends, terms=terms))


def resend_after_ms(sends: int, *, terms: Terms) -> int:
    """A quarter of a lease after the first send, doubling to at most one lease."""
    return min(terms.lease_ms, terms.lease_ms * (1 << min(sends - 1, 10)) // 4)
