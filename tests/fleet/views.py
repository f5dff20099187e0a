"""Pieces of a view: machines, signs of life and slots a minute into their lives."""

from __future__ import annotations

from dataclasses import replace

from fleet.machines import Machine
from fleet.slots import Slot
from jobs.heartbeat import Heartbeat

NOW = 1_800_000_000_000
SLOTS = (Slot(number=0), Slot(number=1))
WORK_S = {"fetching": 0.1, "decoding": 0.1, "enhancing": 2.0, "encoding": 0.1, "storing": 0.1}


def machine(slot: int = 0, epoch: int = 1, *, age_s: float = 60.0) -> Machine:
    return Machine(slot=slot, epoch=epoch, launched_ms=NOW - int(age_s * 1000), name=f"{slot}-{epoch}")


def sign(slot: int = 0, epoch: int = 1, **facts: object) -> Heartbeat:
    known = {"state": "ready", "started_ms": NOW - 60_000, "beat_ms": NOW - 1000, "ready_ms": NOW - 30_000}
    return Heartbeat(worker=f"slot{slot}-{epoch}", slot=slot, epoch=epoch, **known | facts)


def slots(*, launched: int = 1) -> tuple[Slot, ...]:
    return tuple(
        replace(slot, epoch=1, outcome="launched", launched_ms=NOW - 60_000) if slot.number < launched else slot
        for slot in SLOTS
    )
