"""How long an idle worker should wait for the next photo: advice in a row, from those who know when photos come."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from jobs.errors import RowChanged, RowExists
from jobs.settings import Settings
from jobs.table import JobTable, Row

KEY = "patience"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`quiet_s` are the lengths of the latest quiet spells, oldest first: from the end of the work on one photo to the
    acceptance of the next. `accepted_ms` and `rested_ms` are the newest known of either. `idle_s` is what follows.
    """

    quiet_s: tuple[float, ...] = ()
    accepted_ms: int = 0
    rested_ms: int = 0
    idle_s: float = 0.0
    revision: int = 0


def learns(settings: Settings) -> bool:
    """Whether the operator lets the time a machine stays idle follow the photos."""
    return settings.idle_most_s > settings.idle_s or 0 < settings.idle_least_s < settings.idle_s


def has_waited_enough(settings: Settings, idle_s: float, *, advised_s: Callable[[], float]) -> bool:
    """Whether a worker ends that has been idle for so long. Advice, 0 when there is none, is asked where it counts."""
    if not learns(settings):
        return idle_s > settings.idle_s
    if idle_s <= (settings.idle_least_s or settings.idle_s):
        return False
    return idle_s > max(settings.idle_s, settings.idle_most_s) or idle_s > (advised_s() or settings.idle_s)


def read_patience(table: JobTable) -> Patience:
    row = table.read(KEY)
    if row is None:
        return Patience()
    doc = json.loads(row.doc)
    return Patience(
        quiet_s=tuple(doc.get("quiet_s", ())),  # the first layout had none
        accepted_ms=doc.get("accepted_ms", 0),
        rested_ms=doc.get("rested_ms", 0),
        idle_s=doc["idle_s"],
        revision=row.revision,
    )


def write_patience(table: JobTable, patience: Patience) -> None:
    """Lost when somebody else was faster: he saw the same photos."""
    doc = {
        "quiet_s": patience.quiet_s,
        "accepted_ms": patience.accepted_ms,
        "rested_ms": patience.rested_ms,
        "idle_s": patience.idle_s,
    }
    row = Row(key=KEY, doc=json.dumps(doc, separators=(",", ":")), revision=patience.revision)
    try:
        if patience.revision:
            table.replace(row)
        else:
            table.insert(row)
    except (RowExists, RowChanged):
        return
