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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from jobs.errors import StoreBusy

T = TypeVar("T")
WAIT_S = 20.0  # longer than any lock of ours is held; then the caller hears StoreBusy


@dataclass(slots=True, kw_only=True)
class _Line:
    """A connection, the process that opened it, and the lock under which one thread at a time uses it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: sqlite3.Connection | None = None
    pid: int = -1


class Database:
    """Connections made in the process that uses them; `schema` is applied once, and again it does nothing.

    Committed work survives kill -9 and power loss (WAL, synchronous=FULL). Raises StoreBusy after `wait_s`. Readers
    have a connection of their own, so that they never wait behind a writer who waits for another process.
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
        self._writer = _Line()
        self._reader = self._writer if self._path == ":memory:" else _Line()
        # In memory nobody else can write between two statements under the line's lock.
        self._read_locks = () if self._path == ":memory:" else ("BEGIN", "SELECT 1 FROM sqlite_schema LIMIT 1")
        self._inherited: list[sqlite3.Connection] = []  # a parent's: to close them here could cost it its locks

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Statements that only read, all of one committed state."""
        with self._reader.lock:
            connection = self._begun(self._reader, *self._read_locks)
            try:
                yield connection
            finally:
                _undo(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all or nothing, and nobody else writes meanwhile."""
        with self._writer.lock:
            connection = self._begun(self._writer, "BEGIN IMMEDIATE")
            try:
                yield connection
                self._retrying(lambda: connection.execute("COMMIT"))
            except BaseException:
                _undo(connection)
                raise

    def close(self) -> None:
        for line in (self._reader, self._writer):
            with line.lock:
                if line.connection is not None and line.pid == os.getpid():
                    line.connection.close()
                    line.connection = None

    def _begun(self, line: _Line, *statements: str) -> sqlite3.Connection:
        """The line's connection with a transaction whose locks are held, so that no later statement finds it busy."""

        def begin() -> sqlite3.Connection:
            connection = self._connected(line)
            try:
                for statement in statements:
                    connection.execute(statement).fetchall()
            except BaseException:
                _undo(connection)
                raise
            return connection

        return self._retrying(begin)

    def _connected(self, line: _Line) -> sqlite3.Connection:
        if line.connection is not None and line.pid == os.getpid():
            return line.connection
        if line.connection is not None:
            self._inherited.append(line.connection)
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
        line.connection, line.pid = connection, os.getpid()
        return connection

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


def _undo(connection: sqlite3.Connection) -> None:
    """End the transaction, unless SQLite has rolled it back already (a full disk, an I/O error)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
