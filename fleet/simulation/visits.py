"""Visitors: when they open the page, how long they think, how many photos they send, and who never sends one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from fleet.instance_types import Flavour
from fleet.simulation.figures import Figures

Habit = Literal["one by one", "together"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """All that a visitor will do, drawn beforehand, so that every policy meets the same people.

    `photos` are the work of each photo in seconds, none for who only looks; `between_s` lie between a result and the
    next accepted photo. With `together` all photos are sent at once. `leaves_s` after the last result the page
    says that its visitor leaves; None: never.
    """

    view_ms: int
    think_s: float
    transfer_s: tuple[float, ...]
    work_s: tuple[float, ...]
    between_s: tuple[float, ...]
    together: bool = False
    leaves_s: float | None = None

    @property
    def photos(self) -> int:
        return len(self.work_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """How many come and what they are like. `lookers` is the share of page views from which no photo comes."""

    photos_an_hour: float
    days: float
    lookers: float = 0.0
    habit: Habit = "one by one"

    @property
    def photos(self) -> float:
        """As many as are expected."""
        return self.photos_an_hour * 24 * self.days

    @property
    def span_ms(self) -> int:
        return round(self.days * 86_400_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How many come at which time: weights of spans of `bin_s`, which repeat for ever."""

    bin_s: float
    weights: tuple[float, ...]

    def times(self, mean_a_second: float, *, span_s: float, chance: Random) -> list[float]:
        """Arrivals of a Poisson process that follows the profile; seconds from the start."""
        most = max(self.weights)
        mean = sum(self.weights) / len(self.weights)
        fastest = mean_a_second * most / mean
        at_s, found = chance.expovariate(fastest), []
        while at_s < span_s:
            if chance.random() * most < self.weights[int(at_s / self.bin_s) % len(self.weights)]:
                found.append(at_s)
            at_s += chance.expovariate(fastest)
        return found


FLAT = Profile(bin_s=3600.0, weights=(1.0,))


def drawn(
    crowd: Crowd, profile: Profile, figures: Figures, flavour: Flavour, *, start_ms: int, chance: Random
) -> list[Visit]:
    """The visits of the whole time, in order."""
    visits_a_second = crowd.photos_an_hour / 3600 / figures.photos_a_visit
    views_a_second = visits_a_second / (1 - crowd.lookers)
    times = profile.times(views_a_second, span_s=crowd.days * 86_400, chance=chance)
    return [_visit(crowd, figures, flavour, view_ms=start_ms + round(at_s * 1000), chance=chance) for at_s in times]


def _visit(crowd: Crowd, figures: Figures, flavour: Flavour, *, view_ms: int, chance: Random) -> Visit:
    photos = 0 if chance.random() < crowd.lookers else round(figures.photos_a_visit)
    between_median_s = figures.between_s * math.exp(-(figures.between_spread**2) / 2)  # of a lognormal with that mean

    apart = Random(f"leaving/{view_ms}")  # so that all else is as it was before pages told

    def draws(median: float, spread: float, number: int) -> tuple[float, ...]:
        return tuple(median * math.exp(chance.gauss(0.0, spread)) for _ in range(number))

    return Visit(
        view_ms=view_ms,
        think_s=draws(figures.think_median_s, figures.think_spread, 1)[0],
        transfer_s=draws(figures.transfer_median_s, figures.transfer_spread, photos),
        work_s=draws(figures.work_s(flavour), figures.work_spread, photos),
        between_s=draws(between_median_s, figures.between_spread, max(0, photos - 1)),
        together=crowd.habit == "together",
        leaves_s=figures.leave_median_s * math.exp(apart.gauss(0.0, figures.leave_spread))
        if photos and apart.random() < figures.leavers
        else None,
    )


def photos_of(visits: Sequence[Visit]) -> int:
    return sum(visit.photos for visit in visits)
