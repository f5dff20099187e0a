"""The worker's side of the ledger: claiming jobs, keeping their leases, and every way to end an assignment."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

from jobs.errors import StoreBusy
from jobs.job import Job, Phase, Result
from jobs.ports import Ports
from jobs.queue import Message
from jobs.transitions import LeaseLost, NotClaimable, claim, describe, enter, fail, hand_back, lapse, publish, renew
from photos.facts import PhotoFacts
from worker.assignment import Assignment

log = logging.getLogger(__name__)


class Desk:
    """Holds the assignments of this worker; thread-safe.

    Every report to the row is a conditional write with the lease token; the first one that finds the lease gone marks
    the assignment lost, and the stages drop it.
    """

    def __init__(self, ports: Ports, *, worker: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._ports = ports
        self._worker = worker
        self._monotonic = monotonic
        self._held: dict[str, Assignment] = {}
        self.last_job_ms = 0  # when the newest job was accepted, wall clock
        self.rested_ms = 0  # when nothing was in hand any more, wall clock
        self._changed = threading.Condition()

    def held(self) -> list[Assignment]:
        with self._changed:
            return list(self._held.values())

    def wait_for_room(self, most: int, *, timeout_s: float) -> bool:
        """Wait until fewer than `most` jobs are held and none of them must run alone."""
        with self._changed:
            return self._changed.wait_for(
                lambda: len(self._held) < most and not any(one.solo for one in self._held.values()), timeout_s
            )

    def wait_until_alone(self, assignment: Assignment, *, timeout_s: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: all(one is assignment for one in self._held.values()), timeout_s)

    def take(self, message: Message) -> Assignment | None:
        """Claim the job that a message names; None, and the message dealt with, when it is not to be had."""
        token = secrets.token_hex(16)
        ledger = self._ports.ledger

        def transition(job: Job) -> Job:
            return claim(job, token=token, holder=self._worker, now=self._ports.clock(), terms=ledger.terms)

        try:
            row = ledger.rewrite(message.body, transition)
        except NotClaimable as fact:
            # Finished, or in other hands, or out of attempts: the row decides, and the sweeper re-sends what it must.
            log.info("not taken: %s", fact)
            row = None
        if row is None:
            self._ports.queue.delete(message)
            return None
        job = Job.from_json(row.doc)
        assignment = Assignment(
            job=job,
            row=row,
            message=message,
            token=token,
            probed=PhotoFacts.from_json(job.photo) if job.photo else None,
            monotonic=self._monotonic,
        )
        with self._changed:
            self._held[job.id] = assignment
            self.last_job_ms = job.created_ms
        return assignment

    def enter(self, assignment: Assignment, phase: Phase) -> bool:
        """Tell that the next stage begins; False when the assignment no longer counts."""
        terms, clock = self._ports.ledger.terms, self._ports.clock
        assignment.start(phase)
        return self._report(assignment, lambda job: enter(job, phase, token=assignment.token, now=clock(), terms=terms))

    def describe(self, assignment: Assignment, facts: PhotoFacts, *, sha256: str) -> bool:
        """Tell what was read of a photo that nobody had read; False when the assignment no longer counts."""
        assignment.probed = facts
        photo = facts.to_json()
        return self._report(assignment, lambda job: describe(job, token=assignment.token, photo=photo, sha256=sha256))

    def renew(self, assignment: Assignment) -> bool:
        """Keep the lease and hide the message as long again; tells the progress."""
        terms, clock = self._ports.ledger.terms, self._ports.clock
        kept = self._report(
            assignment,
            lambda job: renew(job, token=assignment.token, now=clock(), terms=terms, progress=assignment.progress),
        )
        if kept:
            self._ports.queue.change_visibility(assignment.message, terms.lease_ms / 1000)
        return kept

    def publish(self, assignment: Assignment, result: Result) -> bool:
        """False: it is not published and never will be. Raises StoreBusy when that cannot be known."""
        terms, clock = self._ports.ledger.terms, self._ports.clock

        def transition(job: Job) -> Job:
            if job.state == "done" and job.result == result:
                return job  # written by a try whose answer was lost: the key holds this attempt's token
            return publish(job, token=assignment.token, result=result, now=clock(), terms=terms)

        published = self._report(assignment, transition)
        if published:
            self._settle(assignment, again_s=None)
        self.drop(assignment)
        return published

    def fail(self, assignment: Assignment, code: str, detail: str) -> bool:
        """The photo's fault: another attempt would meet the same."""
        terms, clock = self._ports.ledger.terms, self._ports.clock
        log.warning("job %s failed: %s %s", assignment.job.id, code, detail)
        return self._end(
            assignment,
            lambda job: fail(job, token=assignment.token, code=code, detail=detail, now=clock(), terms=terms),
        )

    def lapse(self, assignment: Assignment, why: str) -> bool:
        """Our own fault: the attempt is spent, the job goes back in line."""
        terms, clock = self._ports.ledger.terms, self._ports.clock
        log.warning("job %s loses attempt %d: %s", assignment.job.id, assignment.job.attempts, why)
        return self._end(
            assignment, lambda job: lapse(job, token=assignment.token, now=clock(), terms=terms), again_s=0
        )

    def hand_back(self, assignment: Assignment) -> bool:
        """Nobody's fault: the attempt is returned, the job goes back in line at once."""
        log.info("job %s handed back", assignment.job.id)
        return self._hand_back(assignment, again_s=0)

    def postpone(self, assignment: Assignment, why: str) -> bool:
        """The machine cannot, whatever the photo: the attempt is returned, the next one comes after a lease."""
        log.warning("job %s waits for better times: %s", assignment.job.id, why)
        return self._hand_back(assignment, again_s=self._ports.ledger.terms.lease_ms / 1000)

    def drop(self, assignment: Assignment) -> None:
        """Forget an assignment that no longer counts."""
        assignment.lost.set()
        with self._changed:
            if self._held.pop(assignment.job.id, None) and not self._held:
                self.rested_ms = self._ports.clock()
            self._changed.notify_all()

    def _hand_back(self, assignment: Assignment, *, again_s: float) -> bool:
        clock = self._ports.clock
        return self._end(assignment, lambda job: hand_back(job, token=assignment.token, now=clock()), again_s=again_s)

    def _end(self, assignment: Assignment, transition: Callable[[Job], Job], *, again_s: float | None = None) -> bool:
        """Write the end and settle the message; a store that stays away leaves the row to the lease and the sweep."""
        try:
            counted = self._report(assignment, transition)
        except StoreBusy:
            log.exception("job %s could not be ended; its lease will lapse", assignment.job.id)
            counted = False
        if counted:
            self._settle(assignment, again_s=again_s)
        self.drop(assignment)
        return counted

    def _settle(self, assignment: Assignment, *, again_s: float | None) -> None:
        """Have the message come again after so long, or never; the row is written, whatever the queue answers."""
        try:
            if again_s is None:
                self._ports.queue.delete(assignment.message)
            else:
                self._ports.queue.change_visibility(assignment.message, again_s)
        except StoreBusy:
            log.warning(
                "the message of job %s could not be settled; the row tells whoever receives it", assignment.job.id
            )

    def _report(self, assignment: Assignment, transition: Callable[[Job], Job]) -> bool:
        if assignment.lost.is_set():
            return False
        try:
            row = self._ports.ledger.rewrite(assignment.job.id, transition, last=assignment.row)
        except LeaseLost as fact:
            log.info("lease lost: %s", fact)
            row = None
        if row is None:
            assignment.lost.set()
            return False
        assignment.row, assignment.job = row, Job.from_json(row.doc)
        return True
