"""One SQLite file, shared by several processes, whose lock never stops the caller's other work.

Busy waiting inside SQLite's C code would stop every greenlet of a process (FACTS: 2.2 s), so its own timeout is 0 and
this module tries again itself, sleeping in Python, where gevent can switch.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from jobs.errors import StoreBusy

T = TypeVar("T")
WAIT_S = 20.0  # longer than any lock of ours is held; then the caller hears StoreBusy


class Database:
    """A connection made in the process that uses it; `schema` is applied once, and again it does nothing.

    Committed work survives kill -9 and power loss (WAL, synchronous=FULL). Raises StoreBusy after `wait_s`.
    """

    def __init__(
        self,
        path: str | Path,
        schema: str,
        *,
        wait_s: float = WAIT_S,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = str(path)
        self._schema = schema
        self._wait_s = wait_s
        self._sleep = sleep
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._pid = -1

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Statements that only read; each sees a committed state."""
        with self._lock:
            yield self._retrying(self._connected)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing, and nobody else writes meanwhile."""
        with self._lock:
            connection = self._retrying(self._connected)
            self._retrying(lambda: connection.execute("BEGIN IMMEDIATE"))
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            self._retrying(lambda: connection.execute("COMMIT"))

    def close(self) -> None:
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None or self._pid != os.getpid():
            if self._path != ":memory:":
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.executescript(self._schema)
            except BaseException:
                connection.close()
                raise
            self._connection, self._pid = connection, os.getpid()
        return self._connection

    def _retrying(self, action: Callable[[], T]) -> T:
        ends = self._monotonic() + self._wait_s
        pause = 0.001
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                if self._monotonic() >= ends:
                    raise StoreBusy(f"{self._path} stayed locked for {self._wait_s:.0f} s") from error
            self._sleep(pause * (0.5 + random.random()))
            pause = min(0.05, pause * 2)
