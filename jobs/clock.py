"""The wall clock in the one form that rows hold: whole milliseconds UTC."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], int]
"""Returns milliseconds since the epoch, UTC. Safety never rests on it."""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def hour(ms: int) -> str:
    """As sentences tell it: `08:01 UTC`."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%H:%M} UTC"
