"""The launcher: machines per slot and in all, budgets, failing set-ups, silent workers, whatever races."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.launcher import Launcher
from fleet.machines import LaunchRefused, LocalFleet, NoCapacity, NoFleet
from fleet.slots import LAUNCH_GRACE_MS, Slot, begun, read_slots, write_slot
from jobs.heartbeat import Heartbeat, beat
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.photos import upload
from tests.fleet.processes import record, said, until, worker, working

DAY_MS = 86_400_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(settings: Settings, clock: FakeClock):
    """Stores under a fake clock, and a cloud."""
    ports = open_ports(settings, clock=clock)
    yield ports, Cloud(clock=clock)
    ports.close()


def show(ports: Ports, epoch: int, state: str, *, slot: int = 0, **facts: object) -> None:
    now = ports.clock()
    known = {"started_ms": now, "beat_ms": now, "ready_ms": now if state in ("ready", "busy") else 0}
    beat(ports.table, Heartbeat(worker=f"slot{slot}-{epoch}", slot=slot, epoch=epoch, state=state, **known | facts))


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


Fleets = Callable[..., LocalFleet]


def test_a_frozen_worker_process_is_killed_and_replaced(
    ports: Ports, settings: Settings, fleets: Fleets, tmp_path: Path
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
    ports: Ports, settings: Settings, fleets: Fleets, tmp_path: Path
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


def test_three_failed_set_ups_of_real_processes_open_the_pause(
    ports: Ports, settings: Settings, fleets: Fleets, tmp_path: Path
) -> None:
    fleet = fleets(worker("beats", "loading", "setup_failed"))
    launcher = Launcher(ports, settings, fleet)
    upload(ports, tmp_path)
    until(lambda: launcher.ensure("tick").phase == "machine_failing" and not fleet.machines())
    assert record(settings)["epoch"] == 3
    outlook = launcher.ensure("tick")
    assert "3 times in a row: The network could not be loaded." in outlook.detail
    assert fleet.machines() == []


def test_a_worker_that_never_becomes_ready_is_killed_at_its_deadline(
    ports: Ports, settings: Settings, fleets: Fleets
) -> None:
    fleet = fleets(worker("ignores_sigterm"))
    launcher = Launcher(ports, replace(settings, ready_deadline_s=0.3), fleet)
    launcher.ensure("pick")
    until(lambda: working(settings))
    until(lambda: [stop.why for stop in launcher.reap()] == ["not_ready"])
    until(lambda: not fleet.machines())
    assert said(settings) == "deaf\n"
