"""How long an idle worker should wait for the next photo: advice in a row, from those who know when photos come."""

from __future__ import annotations

import json
from dataclasses import dataclass

from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

KEY = "patience"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`arrivals_ms` are when the latest photos were taken in hand, oldest first; `idle_s` is what follows from them."""

    arrivals_ms: tuple[int, ...] = ()
    idle_s: float = 0.0
    revision: int = 0


def read_patience(table: JobTable) -> Patience:
    row = table.read(KEY)
    if row is None:
        return Patience()
    doc = json.loads(row.doc)
    return Patience(arrivals_ms=tuple(doc["arrivals_ms"]), idle_s=doc["idle_s"], revision=row.revision)


def write_patience(table: JobTable, patience: Patience) -> None:
    """Lost when somebody else was faster: he saw the same photos."""
    doc = json.dumps({"arrivals_ms": patience.arrivals_ms, "idle_s": patience.idle_s}, separators=(",", ":"))
    row = Row(key=KEY, doc=doc, revision=patience.revision)
    try:
        if patience.revision:
            table.replace(row)
        else:
            table.insert(row)
    except (RowExists, RowChanged):
        return
