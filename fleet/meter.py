"""The meter: machine time is paid for ahead, a few minutes at a time, so that a day's dollars cannot be passed (S8)."""

from __future__ import annotations

import math

PERIOD_MS = 5 * 60_000
MARGIN_MS = 60_000  # paid again so long before the end: a refused machine has time to hand back its photos
MS_PER_HOUR = 3_600_000


def micro_dollars(usd_per_hour: float, ms: int) -> int:
    """Millionths of a dollar, rounded up."""
    return math.ceil(usd_per_hour * 1e6 * ms / MS_PER_HOUR)


def due_ms(paid_until_ms: int, *, now: int) -> int:
    """How much time must be paid for now: up to a period ahead, and what has run unpaid while nobody ticked.

    Nobody pays further ahead than that: a moment beyond it is a broken clock's, and is paid for again.
    """
    if MARGIN_MS < paid_until_ms - now <= PERIOD_MS + MARGIN_MS:
        return 0
    return now + PERIOD_MS + MARGIN_MS - min(paid_until_ms, now + MARGIN_MS)


def paid_ms(paid_until_ms: int, *, launched_ms: int) -> int:
    """When the last payment was made: a launch pays a period ahead, whoever meters it later the margin too."""
    return min(paid_until_ms - PERIOD_MS, max(launched_ms, paid_until_ms - PERIOD_MS - MARGIN_MS))


def unused_ms(paid_until_ms: int, *, now: int) -> int:
    """Paid time that a machine, gone by now, did not use; bounded by what is ever paid ahead."""
    return min(max(0, paid_until_ms - now), PERIOD_MS + MARGIN_MS)
