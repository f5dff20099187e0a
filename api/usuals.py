"""The usual lengths of the phases, read again every few seconds at most."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from jobs.job import Phase
from jobs.table import JobTable
from jobs.usual import usual

FRESH_S = 5.0


class Usuals:
    """Seconds by phase (jobs.usual), a few seconds old at most."""

    def __init__(self, table: JobTable, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._table = table
        self._monotonic = monotonic
        self._known: tuple[float, Mapping[Phase, float]] | None = None

    def now(self) -> Mapping[Phase, float]:
        """Raises StoreBusy."""
        known = self._known
        if known is None or self._monotonic() - known[0] >= FRESH_S:
            known = self._known = (self._monotonic(), usual(self._table))
        return known[1]
