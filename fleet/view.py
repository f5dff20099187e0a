"""What is known of machines and of the work that waits, observed once and judged by pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fleet.machines import Fleet, Machine
from fleet.slots import GROUP, Slot, read_slots
from jobs.heartbeat import FORGET_AFTER_MS, Heartbeat, heartbeats
from jobs.job import Phase
from jobs.ports import Ports
from jobs.usual import usual

Reason = Literal["upload", "view", "pick", "tick"]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One look at the fleet. `waiting` and `running` count jobs; `usual` is the measured length of each phase.

    `watching_since_ms` is since when somebody has looked without a gap: a worker can only be called silent for as
    long as somebody listened (a laptop that slept wakes everybody at once). The bridge is no machine: its signs are
    apart, in `bridge`. `looks_pay`: enough of those who look at the page send a photo (`fleet.interest`).
    """

    slots: tuple[Slot, ...]
    machines: tuple[Machine, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    bridge: tuple[Heartbeat, ...] = ()
    waiting: int = 0
    running: int = 0
    usual: Mapping[Phase, float] = field(default_factory=dict)
    watching_since_ms: int = 0
    looks_pay: bool = True

    @property
    def unfinished(self) -> int:
        return self.waiting + self.running

    def machine_in(self, slot: int) -> Machine | None:
        """The newest machine of the slot."""
        return max((each for each in self.machines if each.slot == slot), key=lambda each: each.epoch, default=None)

    def heartbeat_of(self, slot: int, epoch: int) -> Heartbeat | None:
        signs = [each for each in self.heartbeats if each.slot == slot and each.epoch == epoch]
        return max(signs, key=lambda each: each.beat_ms, default=None)


def recorded(ports: Ports, *, max_machines: int) -> View:
    """A view of the machines from the rows alone: a slot whose launch succeeded has its machine. Raises StoreBusy.

    Surplus slots and the photos' number are left out: each would be one more question to the table.
    """
    rows = ports.table.read_many(f"{GROUP}/{number}" for number in range(max_machines))
    slots = {slot.number: slot for slot in map(Slot.from_row, rows.values())}
    signs = heartbeats(ports.table, since_ms=ports.clock() - FORGET_AFTER_MS)
    return View(
        slots=tuple(slots.get(number, Slot(number=number)) for number in range(max_machines)),
        machines=tuple(
            Machine(slot=slot.number, epoch=slot.epoch, launched_ms=slot.launched_ms, name="")
            for slot in slots.values()
            if slot.outcome == "launched"
        ),
        heartbeats=tuple(each for each in signs if not each.bridge),
        bridge=tuple(each for each in signs if each.bridge),
        usual=usual(ports.table),
    )


def observe(ports: Ports, fleet: Fleet, *, max_machines: int, watching_since_ms: int) -> View:
    """Look at everything once. Raises StoreBusy.

    The order matters: a machine that is missing although its row, read before, says `launched` is truly gone, and its
    last heartbeat, read after, is truly its last.
    """
    rows = {slot.number: slot for slot in read_slots(ports.table, up_to=max_machines)}
    machines = tuple(fleet.machines())
    signs = heartbeats(ports.table, since_ms=ports.clock() - FORGET_AFTER_MS)
    numbers = {*range(max_machines), *rows, *(machine.slot for machine in machines)}
    return View(
        slots=tuple(rows.get(number, Slot(number=number)) for number in sorted(numbers)),
        machines=machines,
        heartbeats=tuple(each for each in signs if not each.bridge),
        bridge=tuple(each for each in signs if each.bridge),
        waiting=ports.ledger.waiting(),
        running=ports.ledger.running(),
        usual=usual(ports.table),
        watching_since_ms=watching_since_ms,
    )
