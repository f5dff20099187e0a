"""A cloud in memory: machines without processes, which can run out, refuse and vanish as a test wants."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from fleet.machines import Machine, SlotTaken
from jobs.clock import Clock


@dataclass
class Cloud:
    """A Fleet. `weather` is raised by the next launches while it lasts; `launches` remembers each that succeeded."""

    clock: Clock
    weather: list[Exception] = field(default_factory=list)
    launches: list[tuple[int, int]] = field(default_factory=list)
    stopped: list[tuple[str, bool]] = field(default_factory=list)
    up: dict[int, Machine] = field(default_factory=dict)
    most: int = 0
    usd_per_hour: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def machines(self) -> list[Machine]:
        with self.lock:
            return sorted(self.up.values(), key=lambda machine: machine.slot)

    def launch(self, slot: int, epoch: int) -> Machine:
        with self.lock:
            if self.weather:
                raise self.weather.pop(0)
            newest = max((each for at, each in self.launches if at == slot), default=0)
            if slot in self.up or newest >= epoch:
                raise SlotTaken(slot, newest)
            self.launches.append((slot, epoch))
            name = f"{slot}-{epoch}"
            self.up[slot] = Machine(
                slot=slot, epoch=epoch, launched_ms=self.clock(), name=name, usd_per_hour=self.usd_per_hour
            )
            self.most = max(self.most, len(self.up))
            return self.up[slot]

    def stop(self, machine: Machine, *, kill: bool) -> None:
        with self.lock:
            self.stopped.append((machine.name, kill))
            if kill and self.up.get(machine.slot) == machine:
                del self.up[machine.slot]

    def was_taken(self, slot: int, epoch: int) -> bool:
        return False

    def stop_all(self) -> None:
        with self.lock:
            self.up.clear()

    def lose(self, slot: int) -> None:
        with self.lock:
            del self.up[slot]
