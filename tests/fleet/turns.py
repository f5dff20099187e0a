"""Actors that take turns in one thread, in an order that a seed decides, so that every race can be played again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from tests.fleet.clocks import FakeClock

NAPS_MS = (5_000, 25_000, 70_000)


class Turns:
    """Time passes between turns; an actor may be put to sleep for long, or die, wherever it gives up its turn."""

    def __init__(self, chance: Random, clock: FakeClock, *, deaths: float, naps: float) -> None:
        self._chance = chance
        self._clock = clock
        self._deaths = deaths
        self._naps = naps
        self._wakes: dict[greenlet, int] = {}
        self.taken = 0

    def add(self, act: Callable[[], None]) -> None:
        self._wakes[greenlet(act)] = 0

    def give_up(self, *, rest_ms: int = 0) -> None:
        """Called by an actor: others may go first, for so long at least."""
        actor = getcurrent()
        if actor in self._wakes:
            self._wakes[actor] = self._clock.ms + rest_ms
            actor.parent.switch()

    def play(self) -> None:
        """Until every actor is done or dead."""
        while self._wakes:
            awake = [each for each, wakes_ms in self._wakes.items() if wakes_ms <= self._clock.ms]
            if not awake:
                self._clock.ms = min(self._wakes.values())
                continue
            actor = self._chance.choice(awake)
            fate = self._chance.random()
            if fate < self._naps:
                self._wakes[actor] = self._clock.ms + self._chance.choice(NAPS_MS)
                continue
            self.taken += 1
            self._clock.ms += self._chance.choice((0, 0, 1, 20, 100))
            if fate > 1 - self._deaths and actor:
                actor.throw(GreenletExit)
            else:
                actor.switch()
            if actor.dead:
                del self._wakes[actor]


class Interleaved:
    """A store whose callers give up their turn before each call, and whose lists and counts may be out of date."""

    def __init__(self, store: Any, turns: Turns, *, stale: Callable[[], bool] = lambda: False) -> None:
        self._store = store
        self._turns = turns
        self._stale = stale
        self._told: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)

        def called(*given: Any, **named: Any) -> Any:
            self._turns.give_up()
            question = f"{name}{given}"
            if name not in ("listed", "count", "due"):
                return call(*given, **named)
            if question not in self._told or not self._stale():
                self._told[question] = call(*given, **named)
            return self._told[question]

        return called
