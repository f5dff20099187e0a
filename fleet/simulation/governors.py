"""Who decides about machines: our launcher with its tick, or the policies it is compared with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal, Protocol

from fleet.launcher import Launcher
from fleet.machines import Fleet, NoCapacity
from fleet.presence import Presence
from fleet.simulation.agenda import Agenda
from fleet.tick import HURRY_S, one_round, pause_s
from jobs.ports import Ports
from jobs.settings import Settings

Sign = Literal["view", "pick", "upload"]
LOOKS_S = 30.0  # while nothing changes a tick finds what the last one found, and need only pay the meter
LOOK_MS = 300  # intent → decision, over DynamoDB and EC2 (published traces: 0.1…0.3 s)
TRIES = 16


class Governor(Protocol):
    """Hears what visitors do and what becomes of machines."""

    def left(self, photo: str) -> None:
        """The page that sent this photo, its newest, says that its visitor leaves."""

    def saw(self, sign: Sign) -> None:
        """A visitor opened the page, picked a photo, or began to send it."""

    def changed(self) -> None:
        """A photo was accepted, a machine has ended, or a worker says something new."""

    def start(self) -> None:
        """Time begins."""


@dataclass(slots=True, kw_only=True)
class Launching:
    """Our launcher, asked by those `signs` alone, and its tick.

    Without `presence` no page tells when its visitor leaves.

    Ticks that could find nothing new are left out: they come at the next beat of TICK_S after a change, and every 30 s
    while a machine lives or work waits.
    """

    launcher: Launcher
    ports: Ports
    settings: Settings
    agenda: Agenda
    signs: Collection[Sign]
    presence: Presence | None = None
    due_ms: int | None = None
    dirty: bool = False
    asked_ms: int = -LOOK_MS
    wanted: dict[Sign, None] = field(default_factory=dict)  # a set that keeps its order

    def start(self) -> None:
        self._tick()

    def saw(self, sign: Sign) -> None:
        """As the API does: who only looks or picks asks nothing of a machine that is ready, and one look serves all
        who ask while it takes place (`api.warmth`, `api.outlooks`).
        """
        if sign not in self.signs:
            return
        if sign != "upload" and self.launcher.glance(sign).state == "ready":
            if self.presence is not None:
                self.presence.come()
            return
        if not self.wanted:
            self.agenda.at(self.asked_ms + LOOK_MS, self._ask)
        self.wanted[sign] = None

    def left(self, photo: str) -> None:
        if self.presence is not None:
            self.presence.leave(photo)

    def _ask(self) -> None:
        self.asked_ms = self.agenda()
        wanted, self.wanted = self.wanted, {}
        for sign in wanted:
            self.launcher.ensure(sign)
        self.changed()

    def changed(self) -> None:
        self.dirty = True
        self._due(self.settings.tick_s)

    def _due(self, seconds: float) -> None:
        """At the next beat of the clock after so long, unless a tick comes before."""
        beat_ms = round(min(seconds, self.settings.tick_s) * 1000)
        at_ms = -(-(self.agenda() + round(seconds * 1000) - beat_ms + 1) // beat_ms) * beat_ms
        if self.due_ms is None or at_ms < self.due_ms:
            self.due_ms = at_ms
            self.agenda.at(at_ms, lambda: self._tick(at_ms))

    def _tick(self, at_ms: int | None = None) -> None:
        if at_ms is not None and at_ms != self.due_ms:
            return  # an earlier one has come instead
        self.due_ms, self.dirty = None, False
        done = one_round(self.ports, self.launcher)
        if not done.calm or self.dirty:
            rest_s = pause_s(done, self.settings)
            self._due(rest_s if self.dirty or rest_s == HURRY_S else LOOKS_S)


@dataclass(slots=True, kw_only=True)
class AlwaysOn:
    """So many machines, always; one that is lost is replaced within a minute."""

    fleet: Fleet
    agenda: Agenda
    machines: int
    epochs: dict[int, int]

    def start(self) -> None:
        up = {machine.slot for machine in self.fleet.machines()}
        for slot in range(self.machines):
            if slot not in up:
                launched(self.fleet, slot, self.epochs)
        self.agenda.after(60.0, self.start)

    def left(self, photo: str) -> None:
        """Nor who leaves."""

    def saw(self, sign: Sign) -> None:
        """Nothing that anybody does changes it."""

    def changed(self) -> None:
        """Nothing that happens changes it, but for the look once a minute."""


def launched(fleet: Fleet, slot: int, epochs: dict[int, int]) -> bool:
    """Ask for a machine down the whole ladder; False when there is none now."""
    for _ in range(TRIES):
        epochs[slot] = epochs.get(slot, 0) + 1
        try:
            fleet.launch(slot, epochs[slot])
        except NoCapacity as none:
            if not none.others:
                return False
            continue
        return True
    return False
