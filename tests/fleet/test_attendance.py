"""The tick shows that it lives, seldom enough to cost nothing worth counting."""

from __future__ import annotations

import threading
from dataclasses import replace

from fleet.attendance import EVERY_MS, KEY, Attendance, last_tick_ms
from fleet.launcher import Launcher
from fleet.tick import run
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.processes import until


def test_nobody_has_ticked_at_first(ports: Ports) -> None:
    assert last_tick_ms(ports.table) is None


def test_two_who_tick_share_one_sign_every_two_minutes(world: tuple[Ports, Cloud], clock: FakeClock) -> None:
    ports, _ = world
    first, second = (Attendance(table=ports.table, clock=clock) for _ in range(2))
    began = clock()
    for _ in range(4):
        first.show()
        second.show()
        clock.pass_s(EVERY_MS / 1000 / 2)
    row = ports.table.read(KEY)
    assert row is not None
    assert row.revision == 2
    assert last_tick_ms(ports.table) == began + EVERY_MS


def test_the_clockwork_shows_its_sign(ports: Ports, settings: Settings) -> None:
    stop = threading.Event()
    launcher = Launcher(ports, settings, Cloud(clock=ports.clock))
    ticking = threading.Thread(target=run, args=(ports, launcher, replace(settings, tick_s=0.01), stop))
    ticking.start()
    try:
        until(lambda: last_tick_ms(ports.table) is not None)
    finally:
        stop.set()
        ticking.join()
