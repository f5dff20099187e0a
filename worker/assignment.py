"""A job in a worker's hands: its lease token, its message, and what the stages leave for each other."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.job import Job, Phase
from jobs.queue import Message
from jobs.table import Row
from photos.facts import PhotoFacts
from photos.raster import Raster


@dataclass(slots=True, kw_only=True)
class Assignment:
    """Passed from stage to stage; only one stage works on it at a time.

    `row` is the job's row as this worker wrote it last. `lost` is set when the lease went to somebody else, the owner
    cancelled, or the worker handed the job back: what is still being done for it no longer counts. `seconds` holds how
    long each finished stage took. `probed` is None until the fetched bytes are read, where nobody read them before.
    """

    job: Job
    row: Row
    message: Message
    token: str
    probed: PhotoFacts | None
    monotonic: Callable[[], float]
    stage: Phase = "fetching"
    stage_since: float = 0.0
    parked: bool = False
    progress: float = 0.0
    seconds: dict[Phase, float] = field(default_factory=dict)
    lost: threading.Event = field(default_factory=threading.Event)
    sha256: str = ""
    raster: Raster | None = None
    ratio: float = 1.0
    encoded_bytes: int = 0
    descriptors: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage_since = self.monotonic()

    @property
    def facts(self) -> PhotoFacts:
        """What the probe says of the photo; known once it is fetched."""
        assert self.probed is not None
        return self.probed

    @property
    def depth(self) -> int:
        """Bits of a code in the result."""
        return output_depth(self.facts, self.job.format)

    @property
    def solo(self) -> bool:
        """From its second attempt on a job runs alone, so that a photo that breaks workers harms no other."""
        return self.job.attempts > 1

    def start(self, stage: Phase) -> None:
        if not self.parked:
            self.finish()
        self.stage, self.stage_since, self.parked = stage, self.monotonic(), False

    def finish(self) -> None:
        """The stage is over; until the next one starts, the assignment is parked and nobody's slow stage."""
        self.seconds[self.stage] = self.monotonic() - self.stage_since
        self.parked = True

    def keep(self, name: str, descriptor: int) -> int:
        """Remember a descriptor to be closed when it is released, at the latest when the assignment ends."""
        self.descriptors[name] = descriptor
        return descriptor

    def release(self, *names: str) -> None:
        """Close these descriptors, or all."""
        for name in names or tuple(self.descriptors):
            descriptor = self.descriptors.pop(name, None)
            if descriptor is not None:
                os.close(descriptor)


def output_depth(facts: PhotoFacts, format_: str) -> int:
    """Bits of a code in the result: 16 for TIFF, and for PNG when the photo itself had them; else 8."""
    if format_ == "tiff" or (format_ == "png" and facts.layout == "rgb" and facts.depth == 16):
        return 16
    return 8
