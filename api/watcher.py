"""One reader for all who wait: it reads their rows about once a second and wakes those with news.

A waiter costs an entry here, and neither a thread of the server nor a question to the store of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import OperationalError

from jobs.errors import StoreBusy
from jobs.job import Job
from jobs.ledger import Ledger

log = logging.getLogger("firstlight.api")

QUICKEST_S, SLOWEST_S = 0.1, 1.0  # between two readings: quick for a few, once a second for hundreds
ROWS_PER_S = 100  # rows that may be read in a second before readings come less often

News = Callable[[Job | None], bool]


class Watch:
    """One waiter's place: the newest row it was shown, None when there is none any more."""

    def __init__(self, job: Job | None, closing: threading.Event) -> None:
        self.job = job
        self._closing = closing
        self._news: News | None = None
        self._event = threading.Event()

    def until(self, news: News, timeout_s: float) -> bool:
        """Wait for a row of which `news` is true; False when none came in time or the service is closing."""
        if self._closing.is_set():
            return False
        self._event.clear()
        self._news = news
        self._event.wait(timeout_s)
        came, self._news = self._news is None, None
        return came

    def show(self, job: Job | None) -> None:
        self.job = job
        if self._news is not None and self._news(job):
            self._news = None
            self._event.set()

    def wake(self) -> None:
        self._event.set()


class Watcher:
    """The places of all waiters of this process: at most `places`, and `each` for one visitor.

    Starts with the first, rests when none is left.
    """

    def __init__(
        self, ledger: Ledger, *, places: int, each: int | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._places = places
        self._each = each or places
        self._visitors: Counter[str] = Counter()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._watches: dict[str, set[Watch]] = {}
        self._count = 0
        self._reading = False
        self._closing = threading.Event()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def watching(self, job: Job, *, visitor: str) -> Iterator[Watch | None]:
        """A place to wait for changes of this job; None when all of the visitor's are taken or the service closes."""
        watch = Watch(job, self._closing)
        if not self._enter(job.id, watch, visitor):
            yield None
            return
        try:
            yield watch
        finally:
            self._leave(job.id, watch, visitor)

    def close(self) -> None:
        """Wake everybody and let nobody wait any more: the service is about to end."""
        self._closing.set()
        self._wake_all()

    def _enter(self, job_id: str, watch: Watch, visitor: str) -> bool:
        with self._lock:
            if self._count >= self._places or self._visitors[visitor] >= self._each or self._closing.is_set():
                return False
            self._visitors[visitor] += 1
            self._watches.setdefault(job_id, set()).add(watch)
            self._count += 1
            if not self._reading:
                self._reading = True
                threading.Thread(target=self._read, name="watcher", daemon=True).start()
            return True

    def _leave(self, job_id: str, watch: Watch, visitor: str) -> None:
        with self._lock:
            self._count -= 1
            self._visitors[visitor] -= 1
            if not self._visitors[visitor]:
                del self._visitors[visitor]
            those = self._watches[job_id]
            those.discard(watch)
            if not those:
                del self._watches[job_id]

    def _read(self) -> None:
        try:
            while wanted := self._wanted():
                self._show(wanted)
                self._closing.wait(min(SLOWEST_S, max(QUICKEST_S, len(wanted) / ROWS_PER_S)))
        except BaseException:  # a defect: nobody shall wait for a reader that is gone; the next waiter starts another
            with self._lock:
                self._reading = False
            self._wake_all()
            raise

    def _wanted(self) -> dict[str, tuple[Watch, ...]]:
        """Who waits for which job; nobody any more when the reader may rest."""
        with self._lock:
            self._reading = bool(self._watches) and not self._closing.is_set()
            return {job_id: tuple(those) for job_id, those in self._watches.items()} if self._reading else {}

    def _show(self, wanted: dict[str, tuple[Watch, ...]]) -> None:
        try:
            jobs = self._ledger.read_many(wanted)
        except (StoreBusy, OperationalError) as error:
            log.warning("the rows cannot be read, so the waiters wait on: %s", error)
            return
        for job_id, those in wanted.items():
            for watch in those:
                watch.show(jobs.get(job_id))

    def _wake_all(self) -> None:
        with self._lock:
            watches = [watch for those in self._watches.values() for watch in those]
        for watch in watches:
            watch.wake()
