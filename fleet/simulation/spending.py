"""Where the money of machines goes: each second of a life belongs to one purpose."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

from fleet.simulation.outcome import Life


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Dollars at the price of spot, but for `on_demand`, which is what the full price came to beyond it.

    `for_nobody` is the whole life of a machine that took no photo; the other lives are cut into the rest. `minimum` is
    what was billed beyond a life shorter than the least that is billed.
    """

    starting: float = 0.0
    early: float = 0.0  # ready, and the first photo not there yet
    working: float = 0.0
    between: float = 0.0  # idle between two photos
    after: float = 0.0  # idle after the last one
    ending: float = 0.0
    for_nobody: float = 0.0
    minimum: float = 0.0
    on_demand: float = 0.0

    @property
    def usd(self) -> float:
        return math.fsum(getattr(self, each.name) for each in fields(self))

    def over(self, photos: float) -> Spending:
        """For each of so many."""
        return Spending(**{each.name: getattr(self, each.name) / photos for each in fields(self)})


PURPOSES = {  # in the order of a life
    "starting": "starting",
    "early": "ready too early",
    "working": "working",
    "between": "idle between photos",
    "after": "idle after the last",
    "ending": "ending",
    "for_nobody": "served nobody",
    "minimum": "below 60 s",
    "on_demand": "on demand's extra",
}


def spent(lives: Iterable[Life]) -> Spending:
    """The sum of it is what the lives cost."""
    sums = dict.fromkeys((each.name for each in fields(Spending)), 0.0)
    for life in lives:
        spot = life.spot_per_hour or life.usd_per_hour
        for purpose, seconds in _seconds(life).items():
            sums[purpose] += seconds * spot / 3600
        sums["on_demand"] += life.billed_s * (life.usd_per_hour - spot) / 3600
    return Spending(**sums)


def _seconds(life: Life) -> dict[str, float]:
    minimum = {"minimum": life.billed_s - life.lived_s}
    if not life.first_ms:
        return minimum | {"for_nobody": life.lived_s}
    return minimum | {
        "starting": (life.ready_ms - life.launched_ms) / 1000,
        "early": (life.first_ms - life.ready_ms) / 1000,
        "working": life.worked_s,
        "between": (life.last_ms - life.first_ms) / 1000 - life.worked_s,
        "after": (life.left_ms - life.last_ms) / 1000,
        "ending": (life.ended_ms - life.left_ms) / 1000,
    }
