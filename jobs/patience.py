"""How long an idle worker should wait for the next photo: advice in a row, from those who know when photos come and
whether their visitor has left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

from jobs.errors import RowChanged, RowExists
from jobs.settings import Settings
from jobs.table import JobTable, Row

KEY = "patience"
BACK_S = 10.0  # a page that is only loaded anew leaves, too, and is back within moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`quiet_s` are the lengths of the latest quiet spells, oldest first: from the end of the work on one photo to the
    acceptance of the next. `accepted_ms` and `rested_ms` are the newest known of either. `idle_s` is what follows.

    `deserted_s` are the spells in which the photo's visitor said that he leaves, each until then and as a whole, and
    `deserted_idle_s` is what follows from these. The latest leave was said at `left_ms`, by the visitor of the photo
    accepted at `deserted_ms`; it stands while nobody has come since, so `came_ms` is older. A release that does not
    know of leaving drops these five, and its workers stay as long as ever.
    """

    quiet_s: tuple[float, ...] = ()
    accepted_ms: int = 0
    rested_ms: int = 0
    idle_s: float = 0.0
    deserted_s: tuple[tuple[float, float], ...] = ()
    deserted_idle_s: float = 0.0
    deserted_ms: int = 0
    left_ms: int = 0
    came_ms: int = 0
    revision: int = 0

    @property
    def is_deserted(self) -> bool:
        return self.left_ms > self.came_ms

    def advised_s(self, settings: Settings, *, last_job_ms: int, rested_ms: int) -> float:
        """How long a worker stays idle that has had nothing in hand since `rested_ms`, and whose newest photo was
        accepted at `last_job_ms`; 0 when it had none.

        A leave only shortens that, and only for a worker that has seen no newer photo. One that has had none yet was
        started for somebody who is still to send one.
        """
        stay_s = self.idle_s or settings.idle_s
        if not self.is_deserted or not 0 < last_job_ms <= self.deserted_ms:
            return stay_s
        back_s = (self.left_ms - rested_ms) / 1000 + BACK_S
        return min(stay_s, max(back_s, self.deserted_idle_s or least_s(settings)))


def learns(settings: Settings) -> bool:
    """Whether the operator lets the time a machine stays idle follow the photos."""
    return settings.idle_most_s > settings.idle_s or 0 < settings.idle_least_s < settings.idle_s


def least_s(settings: Settings) -> float:
    """No machine ends sooner for want of photos."""
    return settings.idle_least_s or settings.idle_s


def has_waited_enough(settings: Settings, idle_s: float, *, advised_s: Callable[[], float]) -> bool:
    """Whether a worker ends that has been idle for so long. Advice (`Patience.advised_s`) is asked where it counts."""
    if not learns(settings):
        return idle_s > settings.idle_s
    if idle_s <= least_s(settings):
        return False
    return idle_s > max(settings.idle_s, settings.idle_most_s) or idle_s > advised_s()


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
        deserted_s=tuple((until_s, whole_s) for until_s, whole_s in doc.get("deserted_s", ())),  # nor the second these
        deserted_idle_s=doc.get("deserted_idle_s", 0.0),
        deserted_ms=doc.get("deserted_ms", 0),
        left_ms=doc.get("left_ms", 0),
        came_ms=doc.get("came_ms", 0),
        revision=row.revision,
    )


def write_patience(table: JobTable, patience: Patience) -> bool:
    """False when somebody else was faster."""
    doc = asdict(patience)
    row = Row(key=KEY, revision=doc.pop("revision"), doc=json.dumps(doc, separators=(",", ":")))
    try:
        if patience.revision:
            table.replace(row)
        else:
            table.insert(row)
    except (RowExists, RowChanged):
        return False
    return True
