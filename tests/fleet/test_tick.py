"""The tick: one round does everything, and a broken store does not end it."""

from __future__ import annotations

import io
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from fleet.launcher import Launcher
from fleet.machines import Machine
from fleet.tick import run, tick_once
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.photos import upload


def test_a_round_sweeps_reaps_and_ensures(ports: Ports, settings: Settings, tmp_path: Path) -> None:
    cloud = Cloud(clock=ports.clock)
    cloud.up[5] = Machine(slot=5, epoch=1, launched_ms=ports.clock(), name="5-1")
    late = upload(replace(ports, job_deadline_ms=0), tmp_path)
    upload(ports, tmp_path)
    outlook = tick_once(ports, Launcher(ports, settings, cloud))
    job = ports.ledger.read(late)
    assert job is not None
    assert (job.state, job.error and job.error.code) == ("failed", "deadline_passed")
    assert cloud.stopped == [("5-1", False)]
    assert cloud.launches == [(0, 1)]
    assert outlook.state == "starting"


class BrokenCloud(Cloud):
    """Its list cannot be had the first three times."""

    tries = 0

    def machines(self) -> list[Machine]:
        self.tries += 1
        if self.tries <= 3:
            raise (OSError("no list"), sqlite3.OperationalError("disk I/O error"), OSError("no list"))[self.tries - 1]
        return super().machines()


def test_it_goes_on_after_failures_and_ends_when_told(ports: Ports, settings: Settings, tmp_path: Path, caplog) -> None:
    cloud = BrokenCloud(clock=ports.clock)
    upload(ports, tmp_path)
    stop = threading.Event()
    ticking = threading.Thread(
        target=run, args=(ports, Launcher(ports, settings, cloud), replace(settings, tick_s=0.01), stop)
    )
    ticking.start()
    for _ in range(1000):
        if cloud.launches:
            break
        threading.Event().wait(0.005)
    stop.set()
    ticking.join(timeout=5)
    assert not ticking.is_alive()
    assert cloud.launches == [(0, 1)]
    assert caplog.text.count("this tick failed") == 3


def test_photos_of_dead_uploads_are_removed_after_an_hour(ports: Ports, settings: Settings, tmp_path: Path) -> None:
    clock = FakeClock()
    ports = replace(ports, clock=clock)
    ports.blobs.put("in/orphan", io.BytesIO(b"photo"))
    stop = threading.Event()
    launcher = Launcher(ports, settings, Cloud(clock=clock))
    ticking = threading.Thread(target=run, args=(ports, launcher, replace(settings, tick_s=0.01), stop))
    ticking.start()
    for _ in range(1000):
        if not list(ports.blobs.keys("in/")):
            break
        clock.pass_s(60)
        threading.Event().wait(0.005)
    stop.set()
    ticking.join(timeout=5)
    assert list(ports.blobs.keys("in/")) == []
    assert clock.ms - FakeClock().ms >= 3_600_000
