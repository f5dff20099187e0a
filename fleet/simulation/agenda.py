"""A virtual clock: what is to happen, in order of time; nothing sleeps."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

Act = Callable[[], object]


class Agenda:
    """Acts at their times, milliseconds UTC; those of one moment in the order in which they were put down.

    Called, it tells the time, as a clock does.
    """

    def __init__(self, now: int) -> None:
        self._now = now
        self._acts: list[tuple[int, int, Act]] = []
        self._numbers = count()

    def __call__(self) -> int:
        return self._now

    def at(self, ms: int, act: Act) -> None:
        """A moment that is over counts as now."""
        heapq.heappush(self._acts, (max(ms, self._now), next(self._numbers), act))

    def after(self, seconds: float, act: Act) -> None:
        self.at(self._now + round(seconds * 1000), act)

    def play(self, until_ms: int) -> None:
        """Everything up to that time; then it is that time."""
        while self._acts and self._acts[0][0] <= until_ms:
            self._now, _, act = heapq.heappop(self._acts)
            act()
        self._now = max(self._now, until_ms)
