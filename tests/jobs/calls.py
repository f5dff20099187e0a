"""Requests to AWS, counted as they go out: what a photo, a poll or an idle minute costs."""

from __future__ import annotations

import threading
from collections import Counter


class CallCounter:
    """Counts by service and operation; thread-safe. `Clients(heard=counter.heard)` lets it hear every request, retries
    included, for each is billed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[tuple[str, str]] = Counter()

    def heard(self, service: str, operation: str) -> None:
        """One request, e.g. `s3`, `GetObject`. A signed link that is followed is told by who follows it."""
        with self._lock:
            self._calls[service, operation] += 1

    def calls(self, service: str | None = None) -> dict[tuple[str, str], int]:
        """How often each operation was called, of one service or of all."""
        with self._lock:
            return {call: times for call, times in self._calls.items() if service in (None, call[0])}

    def times(self, service: str, *operations: str) -> int:
        """How often these operations were called; all of the service's when none is named."""
        counted = self.calls(service)
        return sum(times for (_, operation), times in counted.items() if not operations or operation in operations)

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
