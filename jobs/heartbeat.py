"""A worker's sign of life: a row that says who it is, what it does and since when."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Literal

from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

WorkerState = Literal["starting", "loading", "ready", "busy", "draining", "setup_failed", "defunct"]
log = logging.getLogger(__name__)

GROUP = "worker"
FORGET_AFTER_MS = 10 * 60 * 1000
LISTED_MS = 60_000  # a sign moves in the table's lists so seldom: DynamoDB charges two writes for each of its moves


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Written every `HEARTBEAT_S`. `slot` and `epoch` say which launch it is; −1 and 0 for a worker nobody launched.

    `bridge` is true for the worker beside the API, which is no machine and counts as none.
    `started_ms`, `ready_ms`, `last_job_ms` (when the newest job it took was accepted, or 0) and `rested_ms` (when it
    last had nothing in hand any more, or 0) are wall-clock milliseconds UTC. `detail`
    is a sentence when the state is a failure.
    """

    worker: str
    slot: int
    epoch: int
    state: WorkerState
    started_ms: int
    beat_ms: int
    ready_ms: int = 0
    last_job_ms: int = 0
    rested_ms: int = 0
    engine: str = ""
    detail: str = ""
    bridge: bool = False

    def is_fresh(self, *, now: int, heartbeat_ms: int) -> bool:
        """Four heartbeats without a sign mean gone; one implausibly far ahead is a broken clock's."""
        return abs(now - self.beat_ms) <= 4 * heartbeat_ms

    @property
    def works(self) -> bool:
        return self.state in ("ready", "busy")


def beat(table: JobTable, heartbeat: Heartbeat) -> None:
    """Write the sign of life, over an older one of the same worker."""
    key = f"{GROUP}/{heartbeat.worker}"
    fields = {
        "doc": json.dumps({name: getattr(heartbeat, name) for name in NAMES}, separators=(",", ":")),
        "due_ms": _listed_ms(heartbeat.beat_ms + FORGET_AFTER_MS),
        "group": GROUP,
        "rank_ms": _listed_ms(heartbeat.beat_ms),
    }
    row = table.read(key)
    try:
        if row is None:
            table.insert(Row(key=key, **fields))  # type: ignore[arg-type]
        else:
            table.replace(Row(key=key, revision=row.revision, **fields))  # type: ignore[arg-type]
    except (RowExists, RowChanged):
        return  # this worker's own other thread was faster, with a sign just as fresh


def heartbeats(table: JobTable, *, since_ms: int, limit: int = 1000) -> list[Heartbeat]:
    """Signs of life not older than `since_ms`, oldest first. What a newer release adds to them is left out.

    So is one that cannot be read: workers write these rows, and none of them may stop those who look after machines.
    """
    signs = [_read(row.doc) for row in table.listed(GROUP, limit=limit, since_ms=since_ms)]
    return sorted((sign for sign in signs if sign and sign.beat_ms >= since_ms), key=lambda sign: sign.beat_ms)


NAMES = {each.name: None for each in fields(Heartbeat)}  # in their order
NUMBERS = ("slot", "epoch", *(name for name in NAMES if name.endswith("_ms")))


@lru_cache(maxsize=256)  # each look reads all signs again, and most say what they said
def _read(doc: str) -> Heartbeat | None:
    try:
        sign = Heartbeat(**{name: value for name, value in json.loads(doc).items() if name in NAMES})
        if all(isinstance(getattr(sign, name), int) for name in NUMBERS):
            return sign
    except (ValueError, TypeError, AttributeError):
        pass
    log.warning("a sign of life cannot be read and is left out: %.200s", doc)
    return None


def _listed_ms(at_ms: int) -> int:
    """The end of the minute, so that nobody who looks for a moment within it misses the sign."""
    return -(-at_ms // LISTED_MS) * LISTED_MS
