"""How a photo stands, as its client is told: the row in the contract's words, and how soon to ask again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from api.models import Failure, ResultFacts, Status, moment
from api.service import Service
from jobs.errors import FAULTS
from jobs.job import Job, Phase
from jobs.usual import eta_s

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
    phase, since_ms = service.outlooks.phase(job)
    return Standing(
        version=job.version,
        status=status_of(
            job,
            now=service.ports.clock(),
            phase=phase,
            since_ms=since_ms,
            position=service.ports.ledger.position(job),
            usually={} if job.finished else service.usuals.now(),
        ),
    )


def status_of(
    job: Job,
    *,
    now: int,
    phase: Phase | None,
    since_ms: int,
    position: int | None,
    usually: Mapping[Phase, float],
) -> Status:
    """Pure: the answer of /status for a row, in the phase that is seen from outside since `since_ms`."""
    for_s = eta = None
    if phase is not None:
        for_s = max(0, now - max(since_ms, job.phase_since_ms)) / 1000
        under_way_s = max(0, now - since_ms) / 1000  # a machine may have begun before the photo came
        eta = eta_s(usually, phase=phase, phase_for_s=under_way_s, megapixels=_megapixels(job), ahead=position or 0)
    return Status(
        id=job.id,
        state=job.state,
        phase=phase,
        phase_seconds=for_s,
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
