"""The usual lengths of the phases, read again every few seconds at most."""

from __future__ import annotations

import time
from collections.abc import Callable

from jobs.table import JobTable
from jobs.usual import Measured, measured

FRESH_S = 5.0


class Usuals:
    """What was measured lately (jobs.usual), a few seconds old at most."""

    def __init__(self, table: JobTable, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._monotonic = monotonic
        self._known: tuple[float, Measured] | None = None

    def now(self) -> Measured:
        """Raises StoreBusy."""
        known = self._known
        if known is None or self._monotonic() - known[0] >= FRESH_S:
            known = self._known = (self._monotonic(), measured(self._table))
        return known[1]
