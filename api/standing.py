"""How a photo stands, as its client is told: the row in the contract's words, and how soon to ask again."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from api.models import Failure, ResultFacts, Status, moment
from api.outlooks import Seen
from api.service import Service
from jobs.errors import FAULTS
from jobs.job import Job, Phase
from jobs.usual import BRIDGE, Measured, eta_s, phase_s

SOONEST_S, LATEST_S = 1, 15  # Retry-After of an unfinished photo


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a client would see of a job now. `etag` changes when state, phase or place in the line do."""

    status: Status
    version: int

    @property
    def etag(self) -> str:
        """Weak: times and progress move on under the same tag."""
        status = self.status
        place = "" if status.queue_position is None else f".{status.queue_position}"
        return f"{self.version}.{status.phase or status.state}{place}"

    @property
    def retry_after_s(self) -> int | None:
        """Half the time still expected, within bounds; None when nothing will change any more."""
        status = self.status
        if status.state not in ("queued", "running"):
            return None
        if status.eta_seconds is not None:
            return min(LATEST_S, max(SOONEST_S, ceil(status.eta_seconds / 2)))
        return {"waiting_for_capacity": LATEST_S, "machine_failing": LATEST_S, "no_worker": LATEST_S}.get(
            status.phase or "", 2
        )


def standing(service: Service, job: Job) -> Standing:
    """The job with what the machines, the line before it and earlier photos tell. Raises StoreBusy."""
    return Standing(
        version=job.version,
        status=status_of(
            job,
            now=service.ports.clock(),
            seen=service.outlooks.seen(job),
            position=service.ports.ledger.position(job),
            measured=Measured() if job.finished else service.usuals.now(),
        ),
    )


def status_of(job: Job, *, now: int, seen: Seen, position: int | None, measured: Measured) -> Status:
    """Pure: the answer of /status for a row, as it is seen from outside."""
    for_s = usual = eta = None
    slower = False
    if seen.phase is not None:
        for_s = max(0, now - max(seen.since_ms, job.phase_since_ms)) / 1000
        flavour = BRIDGE if seen.bridged else None
        usual = phase_s(measured.usual(flavour), seen.phase, megapixels=_megapixels(job))
        slow = phase_s(measured.slow(flavour), seen.phase, megapixels=_megapixels(job))
        slower = slow is not None and (now - seen.since_ms) / 1000 > slow
        eta = _eta_s(job, seen, measured, now=now, ahead=position or 0)
    return Status(
        id=job.id,
        state=job.state,
        phase=seen.phase,
        phase_seconds=for_s,
        usual_seconds=None if usual is None else round(usual, 1),
        slower_than_usual=slower,
        eta_seconds=None if eta is None else round(eta, 1),
        progress=round(job.progress, 3),
        attempts=job.attempts,
        queue_position=position,
        result=_result(job),
        error=_failure(job),
        created_at=moment(job.created_ms),
        started_at=None if job.started_ms is None else moment(job.started_ms),
        ended_at=None if job.ended_ms is None else moment(job.ended_ms),
        expires_at=moment(job.expires_ms),
    )


def _eta_s(job: Job, seen: Seen, measured: Measured, *, now: int, ahead: int) -> float | None:
    """Seconds until the result: through the bridge or through a machine on its way, whichever is sooner."""

    def through(phase: Phase, since_ms: int, flavour: str | None) -> float | None:
        return eta_s(
            measured.usual(flavour),
            phase=phase,
            phase_for_s=max(0, now - since_ms) / 1000,  # a machine may have begun before the photo came
            megapixels=_megapixels(job),
            ahead=ahead,
            slowly=measured.slow(flavour),
        )

    ways = [through(seen.phase, seen.since_ms, BRIDGE if seen.bridged else None)] if seen.phase is not None else []
    if seen.machine is not None:
        ways.append(through(*seen.machine, None))
    return min((way for way in ways if way is not None), default=None)


def _megapixels(job: Job) -> float:
    return float(job.photo.get("width", 0)) * float(job.photo.get("height", 0)) / 1e6


def _result(job: Job) -> ResultFacts | None:
    if job.result is None:
        return None
    result = job.result
    return ResultFacts(
        url=f"/result/{job.id}",
        width=result.width,
        height=result.height,
        size=result.size,
        media_type=result.media_type,
        ratio=result.ratio,
    )


def _failure(job: Job) -> Failure | None:
    if job.error is None:
        return None
    fault = FAULTS.get(job.error.code, FAULTS["internal"])
    return Failure(code=fault.code, title=fault.title, detail=job.error.detail or fault.title, cure=fault.cure)
