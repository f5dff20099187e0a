"""The day's budgets: counters in the table that no launch and no hour of a machine may push past their limits (S8)."""

from __future__ import annotations

from collections.abc import Sequence

from fleet.policy import Charge
from jobs.table import JobTable


class Purse:
    def __init__(self, table: JobTable) -> None:
        self._table = table

    def covers(self, costs: Sequence[Charge], now: int) -> bool:
        """Whether nothing forbids these costs at the moment; a look, no promise."""
        return all(
            cost.limit is None or self._table.total(cost.counter, now=now) + cost.amount <= cost.limit for cost in costs
        )

    def pay(self, costs: Sequence[Charge], now: int) -> bool:
        """Count every cost, or none when one would pass its limit."""
        for done, cost in enumerate(costs):
            if self._add(cost, cost.amount, now, limit=cost.limit) is None:
                self.refund(costs[:done], now)
                return False
        return True

    def refund(self, costs: Sequence[Charge], now: int) -> None:
        """Take back what was counted; a counter of a day that is over is let go."""
        for cost in costs:
            if cost.expires_ms > now and cost.amount:
                self._add(cost, -cost.amount, now, limit=None)

    def _add(self, cost: Charge, amount: int, now: int, *, limit: int | None) -> int | None:
        return self._table.add(cost.counter, amount, limit=limit, expires_ms=cost.expires_ms, now=now)
