"""What may happen to a job, as pure functions from a job to the next one.

               claim                    publish
    queued ───────────▶ running ─────────────────▶ done
      ▲  ▲                │ │ │      fail
      │  └── hand_back ───┘ │ └──────────────────▶ failed
      │   (attempt returned)│                        ▲
      └────── lapse ────────┘                        │ give_up (no attempts left, deadline passed)
              (lease over; attempt spent)  ──────────┘
    queued, running ── cancel ──▶ cancelled          any ── erase ──▶ the same state, a tombstone

`done`, `failed`, `cancelled` never change (S2). Attempts are counted at the claim, before the work (S4). Only the
current lease token reports, renews, hands back, fails or publishes (S5). `epoch` only grows and never fences alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from jobs.errors import FAULTS, FirstlightError
from jobs.job import Job, JobError, Lease, Phase, Result

MAX_ATTEMPTS = 3
IMPLAUSIBLE_LEASES = 4  # a lease this many lease lengths ahead was written by a broken clock and counts as expired


class NotClaimable(FirstlightError):
    """The job is finished, or another worker holds it."""


class LeaseLost(FirstlightError):
    """The caller's lease token is not the job's current one: the work no longer counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The lengths that transitions need, milliseconds."""

    lease_ms: int
    keep_ms: int


def lease_is_live(job: Job, *, now: int, terms: Terms) -> bool:
    return job.lease is not None and now < job.lease.until_ms <= now + IMPLAUSIBLE_LEASES * terms.lease_ms


def claim(job: Job, *, token: str, holder: str, now: int, terms: Terms) -> Job:
    """Take a waiting job, or one whose holder went silent. Raises NotClaimable."""
    if job.finished:
        raise NotClaimable(f"{job.id} is {job.state}")
    if job.state == "running" and lease_is_live(job, now=now, terms=terms):
        raise NotClaimable(f"{job.id} is held by another worker")
    if job.attempts >= MAX_ATTEMPTS or now >= job.deadline_ms:
        raise NotClaimable(f"{job.id} has no attempt or no time left")
    return _seen(
        job,
        now=now,
        phase="fetching",
        state="running",
        attempts=job.attempts + 1,
        epoch=job.epoch + 1,
        lease=Lease(token=token, holder=holder, until_ms=now + terms.lease_ms),
        started_ms=now,
        progress=0.0,
    )


def renew(job: Job, *, token: str, now: int, terms: Terms, progress: float | None = None) -> Job:
    """Keep the lease; tell the progress (0…1) if there is any. Raises LeaseLost."""
    lease = _held(job, token)
    return replace(
        job,
        lease=replace(lease, until_ms=now + terms.lease_ms),
        progress=job.progress if progress is None else max(job.progress, min(1.0, progress)),
    )


def enter(job: Job, phase: Phase, *, token: str, now: int, terms: Terms) -> Job:
    """Go to the next stage of the work, which renews the lease too. Raises LeaseLost."""
    renewed = renew(job, token=token, now=now, terms=terms)
    return _seen(renewed, now=now, phase=phase)


def describe(job: Job, *, token: str, photo: dict[str, Any], sha256: str) -> Job:
    """Note what the worker read of a photo that came straight into the store. Raises LeaseLost."""
    _held(job, token)
    return replace(job, photo=photo, source_sha256=sha256)


def publish(job: Job, *, token: str, result: Result, now: int, terms: Terms) -> Job:
    """Make the stored result the visible one. Raises LeaseLost."""
    _held(job, token)
    return _ended(job, now=now, terms=terms, state="done", result=result, progress=1.0)


def fail(job: Job, *, token: str, code: str, detail: str, now: int, terms: Terms) -> Job:
    """End the job for a reason that another attempt would meet again. Raises LeaseLost."""
    _held(job, token)
    return _ended(job, now=now, terms=terms, state="failed", error=_error(code, detail))


def hand_back(job: Job, *, token: str, now: int) -> Job:
    """Return the job and its attempt: the machine must go, the photo did nothing wrong. Raises LeaseLost."""
    _held(job, token)
    return _seen(
        job, now=now, phase="in_line", state="queued", lease=None, attempts=job.attempts - 1, progress=0.0, sent_ms=now
    )


def lapse(job: Job, *, now: int, terms: Terms, token: str | None = None) -> Job:
    """Back in line after a lost attempt, or `failed` when it was the last.

    With a token the holder itself reports the loss (its engine died); without one the lease must be over.
    Raises LeaseLost when neither is so.
    """
    if token is not None:
        _held(job, token)
    elif job.state != "running" or lease_is_live(job, now=now, terms=terms):
        raise LeaseLost(f"{job.id} is still held")
    if job.attempts >= MAX_ATTEMPTS:
        return give_up(
            job, code="no_attempts_left", detail=f"{job.attempts} attempts ended early", now=now, terms=terms
        )
    return _seen(job, now=now, phase="in_line", state="queued", lease=None, progress=0.0, sent_ms=now)


def give_up(job: Job, *, code: str, detail: str, now: int, terms: Terms) -> Job:
    """End an unfinished job for want of attempts or time; a finished one stays as it is."""
    if job.finished:
        return job
    return _ended(job, now=now, terms=terms, state="failed", error=_error(code, detail))


def resent(job: Job, *, now: int) -> Job:
    """Note that the queue was told again, or found to know: the next look comes later."""
    return replace(job, sent_ms=now, sends=job.sends + 1)


def erase(job: Job, *, now: int) -> Job:
    """Cancel an unfinished job and forget what was known of the photo; a tombstone stays until the expiry it had."""
    bare = replace(job, deleted=True, photo={}, result=None, owner_sha256="", visitor="", source_sha256="", lease=None)
    if job.finished:
        return replace(bare, version=job.version + 1)
    return _seen(bare, now=now, phase=None, state="cancelled", ended_ms=now)


def _held(job: Job, token: str) -> Lease:
    if job.state != "running" or job.lease is None or job.lease.token != token:
        raise LeaseLost(f"{job.id} is {job.state} and not this worker's")
    return job.lease


def _seen(job: Job, *, now: int, phase: Phase | None, **changes: object) -> Job:
    return replace(job, version=job.version + 1, phase=phase, phase_since_ms=now, **changes)  # type: ignore[arg-type]


def _ended(job: Job, *, now: int, terms: Terms, **changes: object) -> Job:
    return _seen(job, now=now, phase=None, lease=None, ended_ms=now, expires_ms=now + terms.keep_ms, **changes)


def _error(code: str, detail: str) -> JobError:
    return JobError(code=code if code in FAULTS else "internal", detail=detail)
