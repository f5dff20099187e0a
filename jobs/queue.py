"""Hints that a job waits: the queue's promise, and the queue on a laptop, a SQLite file."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jobs.clock import Clock
from jobs.sqlite import WAIT_S, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A job's id on its way. `receipt_handle` is good for this one receipt; `receive_count` is 1 at the first."""

    body: str
    receipt_handle: str
    receive_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Messages that can be received now, and messages received and not yet deleted. Approximate on SQS."""

    visible: int
    in_flight: int


class Queue(Protocol):
    """At least once, in no promised order. A received message is hidden for its visibility timeout, then comes again.

    Calls with an old receipt handle may succeed or do nothing: callers must not care. Any call may raise StoreBusy.
    """

    def send(self, body: str) -> None:
        """Durable once this returns."""

    def receive(self, *, wait_s: float, visibility_s: float) -> Message | None:
        """The next visible message, waiting up to `wait_s` for one (long poll)."""

    def delete(self, message: Message) -> None: ...

    def change_visibility(self, message: Message, visibility_s: float) -> None:
        """Hide the message for so long from now; 0 hands it back."""

    def depth(self) -> Depth: ...

    def close(self) -> None: ...


_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY, body TEXT NOT NULL, visible_ms INTEGER NOT NULL, handle TEXT, receives INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_visible ON messages (visible_ms);
"""
POLL_S = 0.05


class SqliteQueue:
    """Queue in a SQLite file: several processes, durable across kill -9 and power loss; oldest first."""

    def __init__(
        self,
        database: Database | str,
        *,
        clock: Clock,
        wait_s: float = WAIT_S,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = database if isinstance(database, Database) else Database(database, _SCHEMA, wait_s=wait_s)
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic

    def send(self, body: str) -> None:
        with self._db.writing() as db:
            db.execute("INSERT INTO messages (body, visible_ms, receives) VALUES (?, ?, 0)", (body, self._clock()))

    def receive(self, *, wait_s: float, visibility_s: float) -> Message | None:
        ends = self._monotonic() + wait_s
        while True:
            # A read first: an idle queue takes no write lock from those who send.
            if self._waiting() and (message := self._take(visibility_s)):
                return message
            if self._monotonic() >= ends:
                return None
            self._sleep(POLL_S)

    def delete(self, message: Message) -> None:
        with self._db.writing() as db:
            db.execute("DELETE FROM messages WHERE handle = ?", (message.receipt_handle,))

    def change_visibility(self, message: Message, visibility_s: float) -> None:
        with self._db.writing() as db:
            db.execute(
                "UPDATE messages SET visible_ms = ? WHERE handle = ?",
                (self._clock() + int(visibility_s * 1000), message.receipt_handle),
            )

    def depth(self) -> Depth:
        with self._db.reading() as db:
            total, visible = db.execute(
                "SELECT count(*), count(*) FILTER (WHERE visible_ms <= ?) FROM messages", (self._clock(),)
            ).fetchone()
        return Depth(visible=visible, in_flight=total - visible)

    def close(self) -> None:
        self._db.close()

    def _waiting(self) -> bool:
        with self._db.reading() as db:
            return (
                db.execute("SELECT 1 FROM messages WHERE visible_ms <= ? LIMIT 1", (self._clock(),)).fetchone()
                is not None
            )

    def _take(self, visibility_s: float) -> Message | None:
        now = self._clock()
        handle = uuid.uuid4().hex
        with self._db.writing() as db:
            row = db.execute(
                "UPDATE messages SET visible_ms = ?, handle = ?, receives = receives + 1 WHERE id ="
                " (SELECT id FROM messages WHERE visible_ms <= ? ORDER BY visible_ms, id LIMIT 1)"
                " RETURNING body, receives",
                (now + int(visibility_s * 1000), handle, now),
            ).fetchone()
        return Message(body=row[0], receipt_handle=handle, receive_count=row[1]) if row else None
