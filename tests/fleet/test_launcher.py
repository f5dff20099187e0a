"""The launcher: machines per slot and in all, whatever races and whoever dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

from fleet.launcher import Launcher
from fleet.machines import NoFleet
from fleet.slots import LAUNCH_GRACE_MS, Slot, begun, read_slots, write_slot
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.photos import upload
from tests.fleet.processes import record, worker
from tests.fleet.signs import show


def test_of_many_threads_that_ensure_at_once_one_launches(world, settings: Settings, tmp_path: Path) -> None:
    ports, cloud = world
    upload(ports, tmp_path)
    launchers = [Launcher(ports, settings, cloud) for _ in range(2)]
    go = threading.Barrier(12)

    def ensure(number: int) -> None:
        go.wait()
        launchers[number % 2].ensure("upload")

    threads = [threading.Thread(target=ensure, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cloud.launches == [(0, 1)]
    (slot,) = read_slots(ports.table)
    assert (slot.epoch, slot.outcome, slot.failures) == (1, "launched", 0)


def test_of_many_processes_that_ensure_at_once_one_launches(settings: Settings, fleets, tmp_path: Path) -> None:
    script = """
import sys
from fleet.launcher import Launcher
from fleet.machines import LocalFleet
from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import Settings
import os
settings = Settings.read(os.environ)
ports = open_ports(settings, clock=now_ms)
folder = settings.fleet.removeprefix("process:")
fleet = LocalFleet(folder, clock=now_ms, settings=settings.environ(), command=sys.argv[1:])
launcher = Launcher(ports, settings, fleet)
sys.stdin.readline()
for reason in ("view", "pick", "upload", "tick") * 3:
    outlook = launcher.ensure(reason)
print(outlook.state, flush=True)
os._exit(0)
"""
    environ = {**os.environ, **settings.environ()}
    others = [
        subprocess.Popen(
            [sys.executable, "-c", script, *worker("beats", "loading", "ready")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environ,
            text=True,
        )
        for _ in range(4)
    ]
    for other in others:
        assert other.stdin
        other.stdin.write("go\n")
        other.stdin.flush()
    states = {other.communicate(timeout=30)[0].strip() for other in others}
    assert states <= {"starting", "ready"}
    assert record(settings)["epoch"] == 1
    assert len(fleets(worker("sleeps")).machines()) == 1
    assert not Path(settings.fleet.removeprefix("process:"), "1.lock").exists()


def test_a_backlog_starts_as_many_as_it_needs_and_never_more(world, settings: Settings, tmp_path: Path) -> None:
    ports, cloud = world
    settings = replace(settings, max_machines=3, target_wait_s=0.0)
    for _ in range(5):
        upload(ports, tmp_path)
    launchers = [Launcher(ports, settings, cloud) for _ in range(6)]
    threads = [threading.Thread(target=launcher.ensure, args=("upload",)) for launcher in launchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    launchers[0].ensure("tick")
    assert sorted(cloud.up) == [0, 1, 2]
    assert len(cloud.launches) == 3


def test_a_job_that_comes_while_the_worker_drains_gets_a_machine_when_it_is_gone(
    world, settings: Settings, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("view")
    show(ports, 1, "draining")
    upload(ports, tmp_path)
    outlook = launcher.ensure("upload")
    assert (outlook.state, outlook.phase) == ("none", "starting_machine")
    assert cloud.launches == [(0, 1)]
    cloud.lose(0)
    assert launcher.ensure("tick").state == "starting"
    assert cloud.launches == [(0, 1), (0, 2)]


def test_a_launcher_that_dies_between_row_and_launch_is_followed_with_the_same_epoch(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    upload(ports, tmp_path)
    write_slot(ports.table, begun(Slot(number=0), reason="upload", now=clock()))
    launcher = Launcher(ports, settings, cloud)
    assert launcher.ensure("tick").state == "starting"
    assert cloud.launches == []
    clock.pass_s(LAUNCH_GRACE_MS / 1000 + 1)
    launcher.ensure("tick")
    assert cloud.launches == [(0, 1)]
    assert read_slots(ports.table)[0].outcome == "launched"


def test_a_launcher_that_dies_between_launch_and_row_leaves_a_machine_that_counts(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    upload(ports, tmp_path)
    write_slot(ports.table, begun(Slot(number=0), reason="upload", now=clock()))
    cloud.launch(0, 1)
    launcher = Launcher(ports, settings, cloud)
    clock.pass_s(LAUNCH_GRACE_MS / 1000 + 1)
    launcher.ensure("tick")
    assert cloud.launches == [(0, 1)]
    show(ports, 1, "draining")
    cloud.lose(0)
    for _ in range(3):
        launcher.ensure("tick")
    assert cloud.launches == [(0, 1), (0, 2)]


def test_a_table_that_was_lost_catches_up_with_the_machines_epochs(world, settings: Settings, tmp_path: Path) -> None:
    ports, cloud = world
    cloud.launch(0, 41)
    cloud.lose(0)
    upload(ports, tmp_path)
    launcher = Launcher(ports, settings, cloud)
    launcher.ensure("upload")
    launcher.ensure("tick")
    assert cloud.launches[-1] == (0, 42)


def test_where_somebody_else_runs_the_workers_it_says_so(settings: Settings, world, tmp_path: Path) -> None:
    ports, _ = world
    launcher = Launcher(ports, replace(settings, fleet="none:"), NoFleet())
    upload(ports, tmp_path)
    outlook = launcher.ensure("upload")
    assert (outlook.state, outlook.phase) == ("none", "no_worker")
    assert launcher.reap() == []
    show(ports, 0, "ready", slot=-1)
    assert launcher.ensure("view").state == "ready"


def test_the_outlook_is_kept_for_a_second(world, settings: Settings, clock: FakeClock) -> None:
    ports, _ = world
    launcher = Launcher(ports, settings, NoFleet())
    before = launcher.outlook()
    show(ports, 1, "ready")
    assert launcher.outlook() is before
    clock.pass_s(1)
    show(ports, 1, "ready")
    assert launcher.outlook().state == "ready"


def test_a_glance_tells_what_a_launch_will_make_of_it_and_asks_the_fleet_nothing(world, settings: Settings) -> None:
    ports, cloud = world
    launcher = Launcher(ports, settings, Unasked())
    assert (launcher.glance().state, launcher.glance().phase) == ("none", "starting_machine")
    told = launcher.glance("view")
    assert (told.state, told.phase, told.since_ms) == ("starting", "starting_machine", ports.clock())
    assert launcher.glance().state == "none"  # nothing was begun
    Launcher(ports, settings, cloud).ensure("view")
    assert launcher.glance().state == "starting"
    show(ports, 1, "ready")
    assert (launcher.glance("pick").state, launcher.glance().ready_in_s) == ("ready", 0.0)


def test_a_glance_says_that_the_budget_is_spent_before_anybody_launches(world, settings: Settings) -> None:
    ports, cloud = world
    poor = replace(settings, warm_budget=4)
    launcher = Launcher(ports, poor, Unasked())
    for epoch in range(1, 4):
        assert launcher.glance("view").refused is None
        Launcher(ports, poor, cloud).ensure("view")
        show(ports, epoch, "draining", ready_ms=ports.clock())
        cloud.lose(0)
        Launcher(ports, poor, cloud).look()
    assert (launcher.glance("view").state, launcher.glance("view").refused) == ("none", "warm_budget_spent")
    assert launcher.glance("pick").state == "starting"


def test_a_glance_knows_a_slot_that_pauses(world, settings: Settings) -> None:
    ports, _ = world
    now = ports.clock()
    pausing = Slot(number=0, epoch=1, outcome="no_capacity", not_before_ms=now + 60_000, trouble_ms=now)
    write_slot(ports.table, pausing)
    told = Launcher(ports, settings, Unasked()).glance("pick")
    assert (told.state, told.phase, told.refused) == ("none", "waiting_for_capacity", None)


class Unasked:
    """A fleet that nobody may ask anything."""
