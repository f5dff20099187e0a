"""Capacity that is not there, launches refused, machines that cannot be set up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.launcher import Launcher
from fleet.machines import LaunchRefused, LocalFleet, NoCapacity
from fleet.slots import read_slots
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.photos import upload
from tests.fleet.processes import record, until, worker
from tests.fleet.signs import show


def test_want_of_capacity_is_told_backed_off_and_not_charged(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, launch_budget=1), cloud)
    upload(ports, tmp_path)
    cloud.weather = [NoCapacity("no g4dn anywhere"), NoCapacity("still none")]
    assert launcher.ensure("upload").phase == "waiting_for_capacity"
    assert launcher.ensure("upload").phase == "waiting_for_capacity"
    assert len(cloud.weather) == 1
    clock.pass_s(5)
    launcher.ensure("tick")
    clock.pass_s(5)
    launcher.ensure("tick")
    assert cloud.launches == []
    clock.pass_s(5)
    assert launcher.ensure("tick").state == "starting"
    assert cloud.launches == [(0, 3)]


def test_a_refused_launch_is_told_and_tried_ever_more_rarely(
    world, settings: Settings, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    upload(ports, tmp_path)
    cloud.weather = [LaunchRefused("UnauthorizedOperation")] * 100
    for _ in range(600):
        assert launcher.ensure("tick").phase == "machine_failing"
        clock.pass_s(6)
    assert 5 <= 100 - len(cloud.weather) <= 8
    assert "UnauthorizedOperation" in caplog.text


def test_a_model_that_never_loads_does_not_bill_for_ever(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    upload(ports, tmp_path)
    phases = []
    for _ in range(6 * 60):
        launcher.reap()
        phases.append(launcher.ensure("tick").phase)
        if 0 in cloud.up:
            show(ports, cloud.up[0].epoch, "setup_failed", detail="The weights are broken.")
        clock.pass_s(10)
    assert len(cloud.launches) <= 8
    assert phases.count("machine_failing") > 300
    assert "The weights are broken." in launcher.outlook().detail


def test_a_repaired_machine_serves_the_next_upload_after_the_pause(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    for _ in range(3):
        launcher.ensure("pick")
        show(ports, cloud.up[0].epoch, "setup_failed")
        launcher.reap()
    assert launcher.ensure("pick").phase == "machine_failing"
    upload(ports, tmp_path)
    assert launcher.ensure("upload").phase == "machine_failing"
    clock.pass_s(121)
    assert launcher.ensure("upload").state == "starting"
    show(ports, 4, "busy", last_job_ms=clock())
    assert launcher.ensure("view").state == "ready"
    show(ports, 4, "draining", ready_ms=clock(), last_job_ms=clock())
    cloud.lose(0)
    launcher.ensure("tick")
    assert read_slots(ports.table)[0].failures == 0


def test_three_failed_set_ups_of_real_processes_open_the_pause(
    ports: Ports, settings: Settings, fleets: Callable[..., LocalFleet], tmp_path: Path
) -> None:
    fleet = fleets(worker("beats", "loading", "setup_failed"))
    launcher = Launcher(ports, settings, fleet)
    upload(ports, tmp_path)
    until(lambda: launcher.ensure("tick").phase == "machine_failing" and not fleet.machines())
    assert record(settings)["epoch"] == 3
    outlook = launcher.ensure("tick")
    assert "3 times in a row: The network could not be loaded." in outlook.detail
    assert fleet.machines() == []
