"""The milestones of a cold start, from the wish for a machine to the first bright picture.

    asked ─▶ launched ─▶ kernel ─▶ unit ─▶ supervisor ─┬─▶ first_receive ─┬─▶ first_decode ─┬─▶ first_result
                                                       ├─▶ codec_ready ───┘                 │
                                                       └─▶ engine_ready ────────────────────┘

A milestone is reached once, and stands as wall-clock milliseconds UTC. Only a machine of a cloud has a kernel and a
unit of its own; what was not reached, or not seen, is absent. Each start is a row; `jobs.usual` keeps what follows from
many.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

Milestone = Literal[
    "asked",
    "launched",
    "kernel",
    "unit",
    "supervisor",
    "first_receive",
    "codec_ready",
    "engine_ready",
    "first_decode",
    "first_result",
]
BEFORE_SUPERVISOR: tuple[Milestone, ...] = ("asked", "launched", "kernel", "unit")
CAUSES: dict[str, tuple[str, ...]] = {  # what each waits for: the latest of these that was reached
    "launched": ("asked",),
    "kernel": ("asked", "launched"),
    "unit": ("asked", "launched", "kernel"),
    "supervisor": BEFORE_SUPERVISOR,
    "first_receive": ("supervisor",),
    "codec_ready": ("supervisor",),
    "engine_ready": ("supervisor",),
    "first_decode": ("first_receive", "codec_ready"),
    "first_result": ("first_decode", "engine_ready"),
}
GROUP = "start"
KEPT_MS = 7 * 24 * 3600 * 1000
MOST = 200  # starts that are read at once
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """One start of one worker: `slot` −1 for one that nobody launched. `flavour` is its engine and network."""

    worker: str
    slot: int
    epoch: int
    flavour: str = ""
    at_ms: Mapping[Milestone, int] = field(default_factory=dict)
    revision: int = 0

    @property
    def first_ms(self) -> int:
        return min(self.at_ms.values())

    @property
    def up_ms(self) -> int:
        return self.at_ms["supervisor"]

    def to_row(self) -> Row:
        doc = {"v": 1, "worker": self.worker, "slot": self.slot, "epoch": self.epoch, "flavour": self.flavour}
        return Row(
            key=f"{GROUP}/{self.worker}",
            doc=json.dumps(doc | {"at_ms": dict(self.at_ms)}, separators=(",", ":")),
            revision=self.revision,
            due_ms=self.up_ms + KEPT_MS,
            group=GROUP,
            rank_ms=self.up_ms,
        )

    @classmethod
    def from_row(cls, row: Row) -> ColdStart:
        """Read a row; what a newer release adds is left out. Raises ValueError when it cannot be a start's."""
        try:
            doc: dict[str, Any] = json.loads(row.doc)
            known = {each: int(doc["at_ms"][each]) for each in get_args(Milestone) if each in doc["at_ms"]}
            start = cls(
                worker=str(doc["worker"]),
                slot=int(doc["slot"]),
                epoch=int(doc["epoch"]),
                flavour=str(doc["flavour"]),
                at_ms=cast("dict[Milestone, int]", known),
                revision=row.revision,
            )
        except (LookupError, TypeError, OverflowError) as error:
            raise ValueError(f"not the row of a start: {row.doc[:200]}") from error
        if "supervisor" not in start.at_ms:
            raise ValueError(f"a start of nobody: {row.doc[:200]}")
        return start


def write_start(table: JobTable, start: ColdStart) -> ColdStart:
    """Write it over what this worker wrote before; the supervisor must be up. A row somebody else has is left alone.

    Two or three writes a start: the table is paid by the write.
    """
    row = start.to_row()
    try:
        written = table.insert(row) if start.revision == 0 else table.replace(row)
    except (RowExists, RowChanged):
        return start
    return replace(start, revision=written.revision)


def cold_starts(table: JobTable, *, since_ms: int, limit: int = MOST) -> list[ColdStart]:
    """Starts whose supervisor came up at `since_ms` or later, oldest first. Raises StoreBusy.

    One that cannot be read is left out: workers write these rows.
    """
    found = []
    for row in table.listed(GROUP, limit=limit, since_ms=since_ms):
        try:
            found.append(ColdStart.from_row(row))
        except ValueError as error:
            log.warning("a start is left out: %s", error)
    return found
