"""How long each phase usually takes: measured by those who do it, read by those who wait."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any

from jobs.errors import RowChanged, RowExists
from jobs.job import Job, Phase
from jobs.table import JobTable, Row

KEY = "usual/phases"
BRIDGE = "bridge"  # the flavour of the worker beside the API: it tells nothing of a machine's speed
TRIES = 5
LEAST_MEGAPIXELS = 0.1  # a thumbnail's fixed costs are no photo's rate
KEPT = 16  # newest measurements of each phase
ENOUGH = 5  # measurements before one can be called slower than usual
PER_MEGAPIXEL: tuple[Phase, ...] = ("decoding", "enhancing", "encoding")
WAY: tuple[Phase, ...] = (
    "starting_machine",
    "loading_model",
    "in_line",
    "fetching",
    "decoding",
    "enhancing",
    "encoding",
    "storing",
)
WORK: tuple[Phase, ...] = WAY[3:]

Samples = dict[Phase, list[float]]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The newest measurements of each phase, by flavour: the engine and the network that made them.

    Seconds, or seconds per megapixel. `latest` is the flavour that a machine had last: what the next one is expected
    to be.
    """

    latest: str = ""
    samples: Mapping[str, Samples] = field(default_factory=dict)

    def usual(self, flavour: str | None = None) -> dict[Phase, float]:
        """The median of each phase that this flavour ever measured; of the latest one, if none is named."""
        return {phase: median(values) for phase, values in self._of(flavour).items() if values}

    def slow(self, flavour: str | None = None) -> dict[Phase, float]:
        """The 90th percentile of each phase that was measured often enough to have one."""
        known = self._of(flavour)
        return {
            phase: quantiles(values, n=10, method="inclusive")[-1]
            for phase, values in known.items()
            if len(values) >= ENOUGH
        }

    def _of(self, flavour: str | None) -> Samples:
        return self.samples.get(self.latest if flavour is None else flavour, {})

    def to_json(self) -> str:
        return json.dumps({"v": 2, "latest": self.latest, "flavours": self.samples}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Measured:
        """Read a row of this layout, or of the first one, which knew no flavours.

        What cannot be read, for workers write it, counts as never measured, and the next measurement writes over it.
        """
        try:
            doc: Any = json.loads(text)
            if "v" not in doc:
                return cls(samples={"": _samples(doc)})
            return cls(latest=str(doc["latest"]), samples={name: _samples(of) for name, of in doc["flavours"].items()})
        except (ValueError, LookupError, TypeError, AttributeError):
            log.warning("what phases usually take cannot be read, and is measured anew: %.200s", text)
            return cls()


def _samples(doc: Samples) -> Samples:
    """Raises ValueError, TypeError and AttributeError when this holds anything but finite lengths."""
    if not all(isinstance(each, int | float) and 0 <= each < math.inf for values in doc.values() for each in values):
        raise ValueError("a phase takes its time")
    return doc


def record(table: JobTable, seconds: Mapping[Phase, float], *, flavour: str, megapixels: float = 1.0) -> None:
    """Add a measurement of each phase; the photo's own phases count per megapixel. Lost, one sample of many,
    if others keep writing at once.
    """
    for _ in range(TRIES):
        row = table.read(KEY)
        before = Measured.from_json(row.doc) if row else Measured()
        samples = dict(before.samples.get(flavour, {}))
        for phase, taken in seconds.items():
            per = taken / max(LEAST_MEGAPIXELS, megapixels) if phase in PER_MEGAPIXEL else taken
            samples[phase] = [*samples.get(phase, []), round(per, 4)][-KEPT:]
        known = {name: each for name, each in before.samples.items() if name}  # those of the first layout have no name
        latest = before.latest if flavour == BRIDGE else flavour
        after = Measured(latest=latest, samples=known | {flavour: samples}).to_json()
        try:
            if row is None:
                table.insert(Row(key=KEY, doc=after))
            else:
                table.replace(Row(key=KEY, doc=after, revision=row.revision))
        except (RowExists, RowChanged):
            continue
        return


def measured(table: JobTable) -> Measured:
    """All that was measured lately."""
    row = table.read(KEY)
    return Measured.from_json(row.doc) if row else Measured()


def usual(table: JobTable) -> dict[Phase, float]:
    """The median of each phase as machines of the latest flavour measured it: seconds, or seconds per megapixel."""
    return measured(table).usual()


def is_bridges(job: Job) -> bool:
    """Whether the bridge has this job in hand, by the name of its lease's holder."""
    return job.lease is not None and job.lease.holder.startswith(BRIDGE)


def phase_s(usually: Mapping[Phase, float], phase: Phase, *, megapixels: float) -> float | None:
    """The usual length of one phase for a photo of this size; None when it was never measured."""
    per = usually.get(phase)
    if per is None:
        return None
    return per * megapixels if phase in PER_MEGAPIXEL else per


def eta_s(
    usually: Mapping[Phase, float],
    *,
    phase: Phase,
    phase_for_s: float,
    megapixels: float,
    ahead: int = 0,
    slowly: Mapping[Phase, float] | None = None,
) -> float | None:
    """Seconds until the result, from the phases still to come; None while one of them was never measured.

    `ahead` waiting photos each take as long as this one's work. A phase that outlasts its usual length counts what is
    left of a slow one (`slowly`), then nothing more.
    Waits that nobody can measure (no capacity, no worker, failing machines) have no estimate.
    """
    if phase not in WAY:
        return None
    total = 0.0
    work = 0.0
    for each in WAY[WAY.index(phase) :]:
        if each == "in_line":
            continue
        length = phase_s(usually, each, megapixels=megapixels)
        if length is None:
            return None
        slow = phase_s(slowly or {}, each, megapixels=megapixels)
        total += left_s(length, slow, for_s=phase_for_s) if each == phase else length
        work += length if each in WORK else 0.0
    return total + ahead * work


def left_s(usual_s: float, slow_s: float | None, *, for_s: float) -> float:
    """What is left of a phase that has lasted `for_s`: of its usual length, or beyond it of a slow one."""
    if for_s <= usual_s or slow_s is None:
        return max(0.0, usual_s - for_s)
    return max(0.0, slow_s - for_s)
