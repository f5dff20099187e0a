"""The wall clock in the one form that rows hold: whole milliseconds UTC."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns milliseconds since the epoch, UTC. Safety never rests on it."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000
