"""The sweep: looks at every row that is due and ends, re-sends or forgets it, so nothing waits for ever (L1, L4)."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Literal

from jobs.errors import FirstlightError, RowChanged
from jobs.intake import erase_blobs
from jobs.job import Job
from jobs.ledger import row_of
from jobs.ports import Ports
from jobs.table import Row
from jobs.transitions import Terms, give_up, lapse, lease_is_live, resent

Verdict = Literal["forget", "give_up", "lapse", "resend", "wait"]
BATCH = 200
LATER_MS = 3600 * 1000  # until a row is looked at again that nobody could read, or whose blobs could not be removed
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one sweep did, by count."""

    forgotten: int = 0
    given_up: int = 0
    lapsed: int = 0
    resent: int = 0


def verdict(job: Job, *, now: int, terms: Terms) -> Verdict:
    """What a job that is due needs."""
    if job.finished:
        return "forget" if now >= job.expires_ms else "wait"
    if now >= job.deadline_ms:
        return "give_up"
    if job.state == "running":
        return "wait" if lease_is_live(job, now=now, terms=terms) else "lapse"
    return "resend"


def sweep(ports: Ports) -> Swept:
    """Deal with the rows that are due, oldest first, at most a batch. Safe to run in several processes at once.

    A waiting job is told to the queue again only as far as the queue holds fewer messages than there are unfinished
    jobs: going by age alone produced 426 duplicates for 120 jobs.
    """
    now = ports.clock()
    done: Counter[str] = Counter()

    @cache
    def missing() -> int:  # asked for when a row needs it: mostly none is due, and the cloud charges for each question
        depth = ports.queue.depth()
        return ports.ledger.waiting() + ports.ledger.running() - depth.visible - depth.in_flight

    for row in ports.table.due(now=now, limit=BATCH):
        try:
            may_erase = not done["kept"]  # a store that is away would cost each of the others its patience, too
            did = _attend(ports, row, now=now, may_send=lambda: missing() > done["resent"], may_erase=may_erase)
        except RowChanged:
            continue  # somebody else moved it on; it comes again if it must
        except ValueError:
            log.exception("the row %s cannot be read and is left alone for an hour", row.key)
            _put_off(ports, row, until_ms=now + LATER_MS)
            continue
        done[did] += 1
    return Swept(**{each.name: done[each.name] for each in fields(Swept)})


def _attend(ports: Ports, row: Row, *, now: int, may_send: Callable[[], bool], may_erase: bool) -> str:
    """Do what one row needs; what that was. Raises RowChanged, and ValueError when it cannot be read."""
    if not row.key.startswith("job/"):
        ports.table.delete(row)
        return "removed"
    job = Job.from_json(row.doc)
    terms = ports.ledger.terms
    action = verdict(job, now=now, terms=terms)
    if action == "forget":
        forgotten = may_erase and _erased(ports, job)
        if forgotten:
            ports.table.delete(row)
        else:
            _put_off(ports, row, until_ms=now + LATER_MS)
        return "forgotten" if forgotten else "kept"
    if action == "give_up":
        _write(ports, row, give_up(job, code="deadline_passed", detail="", now=now, terms=terms))
        return "given_up"
    if action == "lapse":
        job = lapse(job, now=now, terms=terms)
        _write(ports, row, job)
        if not job.finished:
            ports.queue.send(job.id)
        return "lapsed"
    if action == "resend":
        is_missing = may_send()
        _write(ports, row, resent(job, now=now))  # first, so that a crash costs a wait and no duplicate
        if is_missing:
            ports.queue.send(job.id)
            return "resent"
    return "waiting"


def _erased(ports: Ports, job: Job) -> bool:
    """Whether the job's blobs could be removed; who waits must not miss a deadline because of a store that is away."""
    try:
        erase_blobs(ports, job)
    except (FirstlightError, OSError):
        log.exception("the blobs of %s cannot be removed; this is tried again in an hour", job.id)
        return False
    return True


def _put_off(ports: Ports, row: Row, *, until_ms: int) -> None:
    """Or rows that nothing can be done about would stand first in every batch, and fill it in the end."""
    with suppress(RowChanged):
        ports.table.replace(replace(row, due_ms=until_ms))


def _write(ports: Ports, row: Row, job: Job) -> None:
    ports.table.replace(row_of(job, terms=ports.ledger.terms, revision=row.revision))
