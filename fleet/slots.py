"""A slot: the row that says which launch of a machine is the newest, how it went, and when the next may be tried.

                ┌────────────── charged, epoch + 1 ──────────────┐
    never, ended, no_capacity, refused, no_budget ─▶ launching ─▶ launched ─▶ ended
                ▲                                        │      (machine gone)
                └──────── the fleet said no ─────────────┘

The row is written before the launch, so the epoch it names is nobody else's. A `launching` older than its grace was
left by a launcher that died: the same epoch is tried again, because the fleet itself refuses an epoch twice. Only an
epoch for which the fleet has answered is followed by the next: somebody who slept since may still ask for the old one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from fleet.meter import PERIOD_MS
from jobs.heartbeat import FORGET_AFTER_MS, Heartbeat
from jobs.table import JobTable, Row

GROUP = "slot"
Outcome = Literal["never", "launching", "launched", "ended", "no_capacity", "refused", "no_budget"]
LAUNCH_GRACE_MS = 20_000  # a launcher that takes longer between the row and the fleet's answer may have died
FAILURES_ALLOWED = 3  # set-ups in a row; then the slot pauses
PAUSE_MS = 2 * 60_000  # after the third failure, doubling with each further one
LONGEST_PAUSE_MS = 30 * 60_000
CAPACITY_PAUSE_MS = 5_000  # after the first refusal for want of capacity, doubling
LONGEST_CAPACITY_PAUSE_MS = 60_000
FAIR_LIFE_MS = 60_000  # a worker ready for so long has not failed, even if no job came


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Times are wall-clock milliseconds UTC. `failures` counts failed set-ups in a row, `refusals` NoCapacity in a row.

    `trouble_ms` is since when there has been either, or no budget; 0 when there is none. `answered` False: the fleet
    may have been asked for this epoch, and its answer is not known; `charged` says whether the budget has paid for it.
    `asked_ms` is when somebody wished for this machine, `answered_ms` when the fleet said that it comes: milestones.
    `paid_until_ms` and `usd_per_hour` are the meter's; `warm_ms` is when the warm budget paid for this launch, or 0.
    `revision` is the row's; 0 means that there is no row yet.
    """

    number: int
    v: int = 1
    epoch: int = 0
    asked_ms: int = 0
    launched_ms: int = 0
    answered_ms: int = 0
    reason: str = ""
    outcome: Outcome = "never"
    detail: str = ""
    failures: int = 0
    refusals: int = 0
    not_before_ms: int = 0
    trouble_ms: int = 0
    stopping_ms: int = 0
    answered: bool = True
    charged: bool = False
    paid_until_ms: int = 0
    usd_per_hour: float = 0.0
    warm_ms: int = 0
    revision: int = 0
    unknown: dict[str, Any] = field(default_factory=dict)

    def to_row(self) -> Row:
        doc = asdict(self)
        unknown = doc.pop("unknown")
        revision = doc.pop("revision")
        return Row(
            key=f"{GROUP}/{self.number}",
            doc=json.dumps(unknown | doc, separators=(",", ":")),
            revision=revision,
            group=GROUP,
            rank_ms=self.number,
        )

    @classmethod
    def from_row(cls, row: Row) -> Slot:
        doc: dict[str, Any] = json.loads(row.doc)
        known = {each.name for each in fields(cls)} - {"unknown", "revision"}
        unknown = {name: doc.pop(name) for name in list(doc) if name not in known}
        return cls(**doc, revision=row.revision, unknown=unknown)

    def is_launching(self, *, now: int) -> bool:
        return self.outcome == "launching" and abs(now - self.launched_ms) <= LAUNCH_GRACE_MS

    def pauses(self, *, now: int) -> bool:
        """Whether the next launch must wait; a moment implausibly far ahead is a broken clock's."""
        return now < self.not_before_ms <= now + LONGEST_PAUSE_MS


def read_slots(table: JobTable, *, up_to: int = 0) -> list[Slot]:
    """Every slot that has a row, lowest number first; those below `up_to` as they are now, for the list may lag."""
    rows = {row.key: row for row in table.listed(GROUP, limit=1000)}
    rows |= table.read_many(f"{GROUP}/{number}" for number in range(up_to))
    return sorted((Slot.from_row(row) for row in rows.values()), key=lambda slot: slot.number)


def write_slot(table: JobTable, slot: Slot) -> Slot:
    """Write over the revision that was read. Raises RowExists or RowChanged when somebody else was faster."""
    row = slot.to_row()
    return replace(slot, revision=(table.insert(row) if slot.revision == 0 else table.replace(row)).revision)


def begun(slot: Slot, *, reason: str, now: int, warm: bool = False) -> Slot:
    """The slot as it is written before a launch."""
    again = slot.outcome == "launching" or not slot.answered
    # The tick goes on with a wish that could not be met; anybody else has one of his own.
    unmet = reason == "tick" and slot.outcome in ("launching", "no_capacity", "refused", "no_budget")
    return replace(
        slot,
        epoch=slot.epoch if again else slot.epoch + 1,
        asked_ms=slot.asked_ms if unmet and slot.asked_ms else now,
        launched_ms=now,
        answered_ms=0,
        reason=reason,
        outcome="launching",
        detail="",
        stopping_ms=0,
        answered=False,
        charged=slot.charged and again,
        paid_until_ms=slot.paid_until_ms if slot.charged and again else now + PERIOD_MS,
        usd_per_hour=0.0,
        warm_ms=slot.warm_ms if slot.charged and again else now if warm else 0,
    )


def launched(slot: Slot, *, now: int, usd_per_hour: float = 0.0) -> Slot:
    """The slot once the fleet has said, at `now`, that this epoch has, or had, its machine."""
    trouble_ms = slot.trouble_ms if slot.failures else 0
    return replace(
        slot,
        outcome="launched",
        answered=True,
        answered_ms=now,
        refusals=0,
        trouble_ms=trouble_ms,
        usd_per_hour=usd_per_hour,
    )


def without_capacity(slot: Slot, *, detail: str, now: int, again_ms: int = 0) -> Slot:
    """The slot after NoCapacity: tried again soon, and ever less soon; not before `again_ms`, within reason."""
    pause = min(LONGEST_CAPACITY_PAUSE_MS, CAPACITY_PAUSE_MS << min(slot.refusals, 10))
    again_ms = max(now + pause, min(again_ms, now + LONGEST_PAUSE_MS))
    refused = replace(slot, refusals=slot.refusals + 1, not_before_ms=again_ms)
    return troubled(refused, outcome="no_capacity", detail=detail, now=now)


def failed(slot: Slot, *, outcome: Outcome, detail: str, now: int) -> Slot:
    """One more failure in a row; from the third on the slot pauses, each time for longer."""
    failures = slot.failures + 1
    beyond = failures - FAILURES_ALLOWED
    pause = 0 if beyond < 0 else min(LONGEST_PAUSE_MS, PAUSE_MS << min(beyond, 10))
    again = replace(slot, failures=failures, not_before_ms=now + pause, stopping_ms=0)
    return troubled(again, outcome=outcome, detail=detail, now=now)


def troubled(slot: Slot, *, outcome: Outcome, detail: str, now: int) -> Slot:
    return replace(slot, outcome=outcome, detail=detail, trouble_ms=slot.trouble_ms or now)


def settled(slot: Slot, *, machine_is_up: bool, heartbeat: Heartbeat | None, now: int) -> Slot:
    """The slot once its machine is gone: did the set-up fail? The same slot while there is nothing to settle."""
    if slot.outcome != "launched" or machine_is_up:
        return slot
    if heartbeat is None and now - slot.launched_ms > FORGET_AFTER_MS:  # its signs of life are forgotten
        return replace(slot, outcome="ended", stopping_ms=0)
    fault = _fault(heartbeat)
    if fault is not None:
        return failed(slot, outcome="ended", detail=fault, now=now)
    return replace(slot, outcome="ended", detail="", failures=0, not_before_ms=0, trouble_ms=0, stopping_ms=0)


def has_started(slot: Slot, machine_epoch: int, *, now: int) -> bool:
    """Whether a machine is up for a launch whose launcher never told: it died, or had no answer."""
    return slot.outcome == "launching" and machine_epoch == slot.epoch and not slot.is_launching(now=now)


def _fault(heartbeat: Heartbeat | None) -> str | None:
    """Why the set-up failed, by the last sign of life; None when it did not, or was told to end."""
    if heartbeat is None:
        return "The worker ended before its first sign of life."
    if heartbeat.state == "draining" or (heartbeat.ready_ms and heartbeat.last_job_ms):
        return None  # hanging over a photo is the photo's matter, and costs it an attempt
    if not heartbeat.ready_ms:
        return heartbeat.detail or "The worker ended before it was ready."
    if heartbeat.beat_ms - heartbeat.ready_ms < FAIR_LIFE_MS:
        return heartbeat.detail or "The worker ended as soon as it was ready."
    return None
