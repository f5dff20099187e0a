"""Hints that a job waits: the queue's promise, kept by a SQLite file on a laptop, by SQS in the cloud."""

from __future__ import annotations

import math
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from jobs.clients import READ_S, Clients, Declined, reaching
from jobs.clock import Clock
from jobs.errors import StoreBusy
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

    Calls with an old receipt handle may succeed or do nothing: callers must not care. SQS knows whole seconds, so
    lengths are rounded up. Any call may raise StoreBusy.
    """

    lingers: bool
    """Whether a poll whose asker has gone may still be given a message, which is hidden then and in nobody's hands."""

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

    lingers = False

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


LONGEST_POLL_S = 20
LONGEST_VISIBILITY_S = 12 * 3600
DEPTH_KEPT_MS = 1000
STALE = ("ReceiptHandleIsInvalid", "InvalidParameterValue", "AWS.SimpleQueueService.MessageNotInflight",
         "MessageNotInflight")  # fmt: skip


class SqsQueue:
    """Queue in SQS; its redrive policy moves what was received too often (20 times or more) to a dead-letter queue."""

    lingers = True

    def __init__(
        self, url: str, clients: Clients, *, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._clients = clients
        self._clock = clock
        self._monotonic = monotonic
        self._endpoint = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        self._depth: tuple[int, Depth] | None = None

    def send(self, body: str) -> None:
        self._ask("send_message", MessageBody=body)

    def receive(self, *, wait_s: float, visibility_s: float) -> Message | None:
        ends = self._monotonic() + wait_s
        while True:
            left_s = min(LONGEST_POLL_S, max(0, math.ceil(ends - self._monotonic())))
            answer = self._ask(
                "receive_message",
                read_s=READ_S + LONGEST_POLL_S,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=left_s,
                VisibilityTimeout=_seconds(visibility_s),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
            for each in answer.get("Messages", []):
                return Message(
                    body=each["Body"],
                    receipt_handle=each["ReceiptHandle"],
                    receive_count=int(each["Attributes"]["ApproximateReceiveCount"]),
                )
            if self._monotonic() >= ends:
                return None

    def delete(self, message: Message) -> None:
        self._ask_about(message, "delete_message")

    def change_visibility(self, message: Message, visibility_s: float) -> None:
        self._ask_about(message, "change_message_visibility", VisibilityTimeout=_seconds(visibility_s))

    def depth(self) -> Depth:
        """As SQS estimates it, and for a second the same: its answer is not fresher anyway."""
        now = self._clock()
        if self._depth is not None and abs(now - self._depth[0]) < DEPTH_KEPT_MS:
            return self._depth[1]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        known = self._ask("get_queue_attributes", AttributeNames=names).get("Attributes", {})
        if not known.keys() >= set(names):  # some stores answer so under load; it says nothing, least of all zero
            raise StoreBusy(f"{self._url}: the depth was not told")
        depth = Depth(visible=int(known[names[0]]), in_flight=int(known[names[1]]))
        self._depth = now, depth
        return depth

    def close(self) -> None:
        """Connections end with the process."""

    def client(self, read_s: float = READ_S) -> Any:
        """What speaks to SQS; made at the first call."""
        return self._clients.client("sqs", read_s=read_s, endpoint=self._endpoint)

    def _ask_about(self, message: Message, operation: str, **request: Any) -> None:
        try:
            self._ask(operation, ReceiptHandle=message.receipt_handle, **request)
        except Declined as no:
            if no.code not in STALE:
                raise

    def _ask(self, operation: str, *, read_s: float = READ_S, **request: Any) -> dict[str, Any]:
        with reaching(self._url):
            answer: dict[str, Any] = getattr(self.client(read_s), operation)(QueueUrl=self._url, **request)
        return answer


def _seconds(length_s: float) -> int:
    return min(LONGEST_VISIBILITY_S, max(0, math.ceil(length_s)))


def region_in(url: str) -> str | None:
    """The region that the URL of a queue of Amazon's names."""
    found = re.fullmatch(r"sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?", urlsplit(url).hostname or "")
    return found[1] if found else None
