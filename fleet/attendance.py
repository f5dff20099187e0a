"""The tick's sign of life: one row that says when somebody last swept, reaped and ensured."""

from __future__ import annotations

import json
from dataclasses import dataclass

from jobs.clock import Clock
from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

KEY = "fleet/tick"
EVERY_MS = 2 * 60_000  # written so seldom, because DynamoDB charges for each write; some 22,000 a month
STALE_MS = 5 * 60_000  # without a sign for so long, nobody ticks


@dataclass(slots=True, kw_only=True)
class Attendance:
    """Shows that a tick has been done; each process that ticks has its own."""

    table: JobTable
    clock: Clock
    _shown_ms: int = 0

    def show(self) -> None:
        """Write the sign, unless there is a recent one. Raises StoreBusy."""
        now = self.clock()
        if 0 <= now - self._shown_ms < EVERY_MS:
            return
        row = self.table.read(KEY)
        self._shown_ms = _at_ms(row)
        if 0 <= now - self._shown_ms < EVERY_MS:
            return  # somebody else ticks, too
        sign = Row(key=KEY, doc=json.dumps({"at_ms": now}), revision=row.revision if row else 0)
        try:
            if row is None:
                self.table.insert(sign)
            else:
                self.table.replace(sign)
        except (RowExists, RowChanged):
            return  # another's sign is just as good
        self._shown_ms = now


def last_tick_ms(table: JobTable) -> int | None:
    """When somebody last showed a tick, wall-clock milliseconds UTC; None when nobody ever did. Raises StoreBusy."""
    row = table.read(KEY)
    return _at_ms(row) if row else None


def _at_ms(row: Row | None) -> int:
    return int(json.loads(row.doc)["at_ms"]) if row else 0
