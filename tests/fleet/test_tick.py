"""The tick: one round does everything, and a broken store does not end it."""

from __future__ import annotations

import io
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

from fleet.launcher import Launcher
from fleet.machines import Machine
from fleet.tick import HURRY_S, REST_S, one_round, pause_s, run, tick_once
from jobs.errors import StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.transitions import give_up
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.photos import upload
from tests.fleet.signs import show


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
    for _ in range(10_000):
        if cloud.launches:
            break
        threading.Event().wait(0.005)
    stop.set()
    ticking.join(timeout=60)
    assert not ticking.is_alive()
    assert cloud.launches == [(0, 1)]
    assert caplog.text.count("this tick failed") == 3


class CloudAway(Cloud):
    def machines(self) -> list[Machine]:
        raise StoreBusy("EC2 does not answer")


def test_the_bridge_is_wished_for_while_the_cloud_is_away(ports: Ports, settings: Settings, tmp_path: Path) -> None:
    launcher = Launcher(ports, settings, CloudAway(clock=ports.clock))
    stop, wishes, impatient = threading.Event(), [], replace(settings, tick_s=0.01)
    threading.Timer(0.1, stop.set).start()
    run(ports, launcher, impatient, stop, wish=lambda: wishes.append(1))
    assert not wishes  # nobody waits
    upload(ports, tmp_path)
    stop.clear()
    run(ports, launcher, impatient, stop, wish=stop.set)  # ends by the wish


class Rests(threading.Event):
    """Told to wait, it lets the clock go on at once, and remembers; set after so many waits."""

    def __init__(self, clock: FakeClock, *, most: int) -> None:
        super().__init__()
        self.clock, self.most = clock, most
        self.lengths: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.pass_s(timeout)
        self.lengths.append(timeout)
        if len(self.lengths) == self.most:
            self.set()
        return self.is_set()


def test_photos_of_dead_uploads_are_removed_after_two_looks_an_hour_apart(world, settings: Settings, clock) -> None:
    ports, cloud = world
    slow = replace(settings, tick_s=600.0)
    launcher = Launcher(ports, slow, cloud)
    ports.blobs.put("in/orphan", io.BytesIO(b"photo"))
    for rounds, left in ((12, ["in/orphan"]), (16, [])):
        run(ports, launcher, slow, Rests(clock, most=rounds), monotonic=lambda: clock.ms / 1000)
        assert list(ports.blobs.keys("in/")) == left


def test_no_clock_that_jumps_takes_an_arriving_photo_for_an_orphan(world, settings: Settings, clock) -> None:
    ports, cloud = world
    jumping = replace(settings, tick_s=7200.0)
    ports.blobs.put("in/arriving", io.BytesIO(b"photo"))
    run(ports, Launcher(ports, jumping, cloud), jumping, Rests(clock, most=5), monotonic=lambda: 0.0)
    assert list(ports.blobs.keys("in/")) == ["in/arriving"]


PAID = {"table": "dynamodb://rows", "tick_s": 5.0, "heartbeat_s": 5.0, "lease_s": 30.0}


def test_where_looks_are_paid_for_an_idle_service_is_looked_at_seldom(world, settings: Settings, clock) -> None:
    ports, cloud = world
    for where, length in ((replace(settings, **PAID), REST_S), (replace(settings, tick_s=5.0), 5.0)):
        rests = Rests(clock, most=3)
        run(ports, Launcher(ports, where, cloud), where, rests)
        assert rests.lengths == [length] * 3
    assert cloud.launches == []


def test_work_and_machines_are_looked_after_at_every_tick(world, settings: Settings, clock, tmp_path: Path) -> None:
    ports, cloud = world
    paid = replace(settings, **PAID)
    launcher = Launcher(ports, paid, cloud)
    job_id = upload(ports, tmp_path)
    rests = Rests(clock, most=2)
    run(ports, launcher, paid, rests)
    assert rests.lengths == [5.0, 5.0]
    assert cloud.launches == [(0, 1)]
    show(ports, 1, "ready")
    ports.ledger.change(job_id, lambda job: give_up(job, code="x", detail="", now=clock(), terms=ports.ledger.terms))
    rests = Rests(clock, most=2)
    run(ports, launcher, paid, rests)
    assert rests.lengths == [5.0, 5.0]  # its machine lives on
    cloud.lose(0)
    rests = Rests(clock, most=2)
    run(ports, launcher, paid, rests)
    assert rests.lengths == [REST_S, REST_S]


def test_a_photo_whose_slot_is_not_free_yet_is_looked_after_in_a_hurry(world, settings: Settings, tmp_path) -> None:
    ports, cloud = world
    paid = replace(settings, **PAID)
    launcher = Launcher(ports, paid, cloud)
    launcher.ensure("view")
    show(ports, 1, "draining")
    upload(ports, tmp_path)
    assert pause_s(one_round(ports, launcher), paid) == HURRY_S


def test_a_round_that_changes_nothing_looks_once(world, settings: Settings) -> None:
    ports, cloud = world
    looks = []
    launcher = Launcher(ports, settings, cloud)
    look = launcher.look
    launcher.look = lambda: looks.append(1) or look()
    assert one_round(ports, launcher).calm
    assert len(looks) == 1
    cloud.up[5] = Machine(slot=5, epoch=1, launched_ms=ports.clock(), name="5-1")
    looks.clear()
    assert not one_round(ports, launcher).calm
    assert len(looks) == 2
