"""How long each phase usually takes: measured by those who do it, read by those who wait."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median

from jobs.errors import RowChanged, RowExists
from jobs.job import Phase
from jobs.table import JobTable, Row

KEY = "usual/phases"
TRIES = 5
LEAST_MEGAPIXELS = 0.1  # a thumbnail's fixed costs are no photo's rate
KEPT = 16  # newest measurements of each phase
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


def record(table: JobTable, seconds: Mapping[Phase, float], *, megapixels: float = 1.0) -> None:
    """Add a measurement of each phase; the photo's own phases count per megapixel. Lost, one sample of many,
    if others keep writing at once.
    """
    for _ in range(TRIES):
        row = table.read(KEY)
        samples: dict[str, list[float]] = json.loads(row.doc) if row else {}
        for phase, taken in seconds.items():
            per = taken / max(LEAST_MEGAPIXELS, megapixels) if phase in PER_MEGAPIXEL else taken
            samples[phase] = [*samples.get(phase, []), round(per, 4)][-KEPT:]
        try:
            if row is None:
                table.insert(Row(key=KEY, doc=json.dumps(samples)))
            else:
                table.replace(Row(key=KEY, doc=json.dumps(samples), revision=row.revision))
        except (RowExists, RowChanged):
            continue
        return


def usual(table: JobTable) -> dict[Phase, float]:
    """The median of each phase that was ever measured: seconds, or seconds per megapixel."""
    row = table.read(KEY)
    samples: dict[Phase, list[float]] = json.loads(row.doc) if row else {}
    return {phase: median(values) for phase, values in samples.items() if values}


def phase_s(usually: Mapping[Phase, float], phase: Phase, *, megapixels: float) -> float | None:
    """The usual length of one phase for a photo of this size; None when it was never measured."""
    per = usually.get(phase)
    if per is None:
        return None
    return per * megapixels if phase in PER_MEGAPIXEL else per


def eta_s(
    usually: Mapping[Phase, float], *, phase: Phase, phase_for_s: float, megapixels: float, ahead: int = 0
) -> float | None:
    """Seconds until the result, from the phases still to come; None while one of them was never measured.

    `ahead` waiting photos each take as long as this one's work. A phase that outlasts its usual length counts 0 more.
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
        total += max(0.0, length - phase_for_s) if each == phase else length
        work += length if each in WORK else 0.0
    return total + ahead * work
