"""What may be launched a day, whatever anyone sends."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from fleet.launcher import Launcher
from fleet.slots import read_slots
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.photos import upload
from tests.fleet.signs import show

DAY_MS = 86_400_000


def test_warm_calls_spend_their_budget_and_view_leaves_some_for_pick(
    world, settings: Settings, clock: FakeClock
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, warm_budget=4), cloud)

    def warm(reason: str) -> str | None:
        outlook = launcher.ensure(reason)
        if cloud.up:
            show(ports, read_slots(ports.table)[0].epoch, "draining")
            cloud.lose(0)
        clock.pass_s(1)
        return outlook.refused

    assert [warm("view") for _ in range(5)] == [None, None, None, "warm_budget_spent", "warm_budget_spent"]
    assert [warm("pick") for _ in range(2)] == [None, "warm_budget_spent"]
    assert len(cloud.launches) == 4
    clock.pass_s(DAY_MS / 1000)
    assert warm("view") is None
    assert len(cloud.launches) == 5


def test_an_upload_counts_as_warm_until_it_is_accepted(world, settings: Settings, tmp_path: Path) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, warm_budget=1), cloud)
    launcher.ensure("upload")
    assert len(cloud.launches) == 1
    show(ports, 1, "draining")
    cloud.lose(0)
    assert launcher.ensure("upload").refused == "warm_budget_spent"
    upload(ports, tmp_path)
    assert launcher.ensure("upload").refused is None
    assert len(cloud.launches) == 2


def test_racing_launchers_never_pass_the_budget_and_pay_for_what_was_launched_only(world, settings: Settings) -> None:
    ports, cloud = world
    settings = replace(settings, launch_budget=3, warm_budget=50)
    for round_ in range(6):
        launchers = [Launcher(ports, settings, cloud) for _ in range(4)]
        threads = [threading.Thread(target=launcher.ensure, args=("pick",)) for launcher in launchers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if round_ < 3:
            show(ports, read_slots(ports.table)[0].epoch, "draining")
            cloud.lose(0)
    assert len(cloud.launches) == 3
    day = ports.clock() // DAY_MS
    for counter in (f"launches/{day}", f"warm_launches/{day}"):
        assert ports.table.add(counter, 0, limit=None, expires_ms=0, now=ports.clock()) == 3


def test_a_photo_waits_for_the_next_day_when_the_launches_are_spent(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, launch_budget=1), cloud)
    upload(ports, tmp_path)
    launcher.ensure("upload")
    show(ports, 1, "draining")
    cloud.lose(0)
    for _ in range(3):
        outlook = launcher.ensure("tick")
        assert (outlook.phase, outlook.refused) == ("waiting_for_capacity", None)
    assert "used up" in outlook.detail
    clock.pass_s(DAY_MS / 1000)
    assert launcher.ensure("tick").state == "starting"
    assert len(cloud.launches) == 2


def test_a_warm_call_changes_nothing_while_a_machine_is_up(world, settings: Settings) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("view")
    show(ports, 1, "ready")
    before = ports.table.read_many(["slot/0", "worker/slot0-1"])
    for _ in range(20):
        assert launcher.ensure("view").state == "ready"
        assert launcher.ensure("pick").state == "ready"
    assert ports.table.read_many(["slot/0", "worker/slot0-1"]) == before
    assert cloud.launches == [(0, 1)]
