"""What every address of the API works with, opened once in each process."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from api.meters import Meters
from api.outlooks import Outlooks
from api.usuals import Usuals
from api.watcher import Watcher
from jobs.errors import Refused
from jobs.job import Job
from jobs.ports import Ports
from jobs.settings import Settings
from photos.facts import PhotoFacts

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Prober(Protocol):
    """What the API needs of `photos.codec.Codec`. Raises UnreadablePhoto and CodecDied."""

    def probe(self, photo_fd: int, *, deadline_s: float) -> PhotoFacts: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Settings, stores, fleet, codec and the waiters' watcher."""

    settings: Settings
    ports: Ports
    outlooks: Outlooks
    codec: Prober
    watcher: Watcher
    usuals: Usuals
    meters: Meters
    monotonic: Callable[[], float] = time.monotonic

    def job(self, job_id: str) -> Job:
        """The job of this id. Malformed, never issued, expired and deleted look the same: Refused (not_found)."""
        job = self.ports.ledger.read(job_id) if is_id(job_id) else None
        if job is None or job.deleted or (job.finished and self.ports.clock() >= job.expires_ms):
            raise Refused("not_found")
        return job


def is_id(text: str) -> bool:
    """Whether this could be an id of ours."""
    return _UUID4.fullmatch(text) is not None
