"""Machines that must end: silent, frozen, old, never ready."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from fleet.launcher import Launcher
from fleet.machines import LocalFleet
from fleet.slots import read_slots
from fleet.tick import tick_once
from jobs.errors import StoreBusy
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.photos import upload
from tests.fleet.processes import record, said, until, worker, working
from tests.fleet.signs import show


def test_a_silent_machine_is_reaped_after_five_heartbeats_of_listening(
    world, settings: Settings, clock: FakeClock
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("view")
    show(ports, 1, "ready")
    silent_for = 0.0
    while not launcher.reap():
        clock.pass_s(0.05)
        silent_for += 0.05
        assert silent_for < 5
    assert 0.5 <= silent_for <= 0.6
    assert cloud.stopped == [("0-1", True)]


def test_a_frozen_machine_that_holds_the_stores_lock_is_reaped_all_the_same(
    settings: Settings, clock: FakeClock
) -> None:
    ports, cloud = open_ports(settings, clock=clock, wait_s=0.05), Cloud(clock=clock)
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("view")
    show(ports, 1, "busy")
    with closing(sqlite3.connect(settings.table.removeprefix("sqlite:"), isolation_level=None)) as frozen:
        frozen.execute("BEGIN IMMEDIATE")
        for _ in range(40):
            with suppress(StoreBusy):
                tick_once(ports, launcher)
            clock.pass_s(0.05)
    assert cloud.stopped[:1] == [("0-1", True)]
    ports.close()


def test_a_laptop_that_slept_does_not_reap_its_worker(world, settings: Settings, clock: FakeClock) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("view")
    show(ports, 1, "ready")
    launcher.reap()
    clock.pass_s(3 * 3600)
    assert launcher.reap() == []
    show(ports, 1, "ready")
    clock.pass_s(0.1)
    assert launcher.reap() == []
    assert Launcher(ports, settings, cloud, patient=False).reap() == []
    clock.pass_s(60)
    assert len(Launcher(ports, settings, cloud, patient=False).reap()) == 1


def test_an_old_machine_is_asked_once_by_all_reapers_and_killed_if_it_stays(
    world, settings: Settings, clock: FakeClock
) -> None:
    ports, cloud = world
    launchers = [Launcher(ports, replace(settings, hard_age_s=100.0), cloud) for _ in range(2)]
    launchers[0].ensure("view")
    for _ in range(101):
        clock.pass_s(1)
        show(ports, 1, "busy")
    for launcher in launchers:
        launcher.reap()
    assert [kill for _, kill in cloud.stopped] == [False, False]
    for _ in range(31):
        clock.pass_s(1)
        show(ports, 1, "busy")
    launchers[1].reap()
    assert cloud.stopped[-1] == ("0-1", True)
    assert cloud.up == {}


def test_a_frozen_worker_process_is_killed_and_replaced(
    ports: Ports, settings: Settings, fleets: Callable[..., LocalFleet], tmp_path: Path
) -> None:
    fleet = fleets(worker("beats", "loading", "busy"))
    launcher = Launcher(ports, settings, fleet)
    upload(ports, tmp_path)
    launcher.ensure("upload")
    until(lambda: launcher.ensure("tick").state == "ready")
    frozen = record(settings)["worker"]
    os.kill(frozen, signal.SIGSTOP)
    until(launcher.reap)
    until(lambda: not fleet.machines())
    launcher.ensure("tick")
    until(lambda: launcher.ensure("tick").state == "ready")
    assert record(settings)["epoch"] == 2


def test_a_killed_worker_process_is_replaced_at_the_next_look(
    ports: Ports, settings: Settings, fleets: Callable[..., LocalFleet], tmp_path: Path
) -> None:
    fleet = fleets(worker("beats", "busy"))
    launcher = Launcher(ports, settings, fleet)
    upload(ports, tmp_path)
    launcher.ensure("upload")
    until(lambda: launcher.ensure("tick").state == "ready")
    os.kill(record(settings)["worker"], signal.SIGKILL)
    until(lambda: not fleet.machines())
    launcher.ensure("tick")
    assert [machine.epoch for machine in fleet.machines()] == [2]
    assert read_slots(ports.table)[0].failures == 0


def test_a_worker_that_never_becomes_ready_is_killed_at_its_deadline(
    ports: Ports, settings: Settings, fleets: Callable[..., LocalFleet]
) -> None:
    fleet = fleets(worker("ignores_sigterm"))
    launcher = Launcher(ports, replace(settings, ready_deadline_s=0.3), fleet)
    launcher.ensure("pick")
    until(lambda: working(settings))
    until(lambda: [stop.why for stop in launcher.reap()] == ["not_ready"])
    until(lambda: not fleet.machines())
    assert said(settings) == "deaf\n"
