"""What a policy cost and how long people waited under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A machine from launch to end. Billed by the second from its launch, at least `least_s`.

    `first_ms` is when it took its first photo in hand, 0 when it never did; `last_ms` when it last had none in hand any
    more; `worked_s` what lay between, less its rests. `left_ms` is when its worker ended. `spot_per_hour` is what it
    would have cost on spot.
    """

    launched_ms: int
    ended_ms: int
    market: str
    usd_per_hour: float
    least_s: float = 0.0
    ready_ms: int = 0
    first_ms: int = 0
    last_ms: int = 0
    left_ms: int = 0
    worked_s: float = 0.0
    spot_per_hour: float = 0.0

    @property
    def lived_s(self) -> float:
        return (self.ended_ms - self.launched_ms) / 1000

    @property
    def billed_s(self) -> float:
        return max(self.least_s, self.lived_s)

    @property
    def usd(self) -> float:
        return self.billed_s * self.usd_per_hour / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`waits_s`: from a photo's acceptance to its result. `failed` met their deadline; `unfinished` must be none."""

    lives: tuple[Life, ...]
    waits_s: tuple[float, ...]
    failed: int = 0
    unfinished: int = 0

    @property
    def photos(self) -> int:
        return len(self.waits_s) + self.failed + self.unfinished

    @property
    def usd(self) -> float:
        return sum(life.usd for life in self.lives)

    @property
    def usd_a_thousand(self) -> float:
        return 1000 * self.usd / max(1, len(self.waits_s))

    @property
    def machine_hours(self) -> float:
        return sum(life.billed_s for life in self.lives) / 3600

    @property
    def spot_share(self) -> float:
        """Of the machine time; 1 when there was none."""
        whole = sum(life.billed_s for life in self.lives)
        return sum(life.billed_s for life in self.lives if life.market == "spot") / whole if whole else 1.0

    def wait_s(self, share: float) -> float:
        """The wait that this share of the photos did not exceed; NaN without photos."""
        return quantile(self.waits_s, share)


def quantile(figures: Sequence[float], share: float) -> float:
    """The smallest figure that this share does not exceed; NaN of none."""
    if not figures:
        return math.nan
    return sorted(figures)[max(0, math.ceil(share * len(figures)) - 1)]
