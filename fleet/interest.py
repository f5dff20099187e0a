"""Whether who looks at the page also sends a photo: what the latest looks that met no machine have brought."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from fleet.view import Reason
from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

KEY = "interest"
STAYS_MS = 10 * 60_000  # a look that brought no photo for so long brings none; the page tells of it once in that time
KEPT = 32  # looks: habits change
ENOUGH = 4  # looks, before we believe in a habit


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """`brought` says of each of the latest looks whether a photo came, oldest first; `looked_ms` is when somebody
    looked who has neither sent one nor stayed away for STAYS_MS, 0 when nobody did.
    """

    brought: tuple[bool, ...] = ()
    looked_ms: int = 0
    revision: int = 0

    @property
    def pays(self) -> bool:
        """Whether to start a machine for a look: at least two of three bring a photo.

        A machine that nobody uses costs its start and its least idle time, some 80 s on a GPU; one that is used spares
        its visitor some 25 s of waiting, each worth three of a machine's (`fleet.idle`): even, near one half. But looks
        at the same time count as one, so what is seen is better than what is true.
        """
        return len(self.brought) < ENOUGH or 3 * sum(self.brought) >= 2 * len(self.brought)


def heard(interest: Interest, reason: Reason, *, now: int) -> Interest:
    """What is known after a visitor's sign, a view only while no machine is up; the same one when there is no news.

    Looks at the same time count as one, and anybody's photo answers it: an error in favour of starting machines.
    """
    if reason not in ("view", "upload"):
        return interest
    gone = interest.looked_ms and not 0 <= now - interest.looked_ms < STAYS_MS
    if reason == "view":
        if interest.looked_ms and not gone:
            return interest
        return _answered(interest, [False] if gone else [], looked_ms=now)
    if not interest.looked_ms:
        return interest
    return _answered(interest, [not gone], looked_ms=0)


def _answered(interest: Interest, brought: list[bool], *, looked_ms: int) -> Interest:
    return replace(interest, brought=(*interest.brought, *brought)[-KEPT:], looked_ms=looked_ms)


def read_interest(table: JobTable) -> Interest:
    """Raises StoreBusy."""
    row = table.read(KEY)
    if row is None:
        return Interest()
    doc = json.loads(row.doc)
    return Interest(
        brought=tuple(bool(each) for each in doc["brought"]), looked_ms=doc["looked_ms"], revision=row.revision
    )


def write_interest(table: JobTable, interest: Interest) -> None:
    """Lost when somebody else was faster: it is one look of many. Raises StoreBusy."""
    doc = json.dumps({"brought": [int(each) for each in interest.brought], "looked_ms": interest.looked_ms})
    row = Row(key=KEY, doc=doc, revision=interest.revision)
    try:
        if interest.revision:
            table.replace(row)
        else:
            table.insert(row)
    except (RowExists, RowChanged):
        return
