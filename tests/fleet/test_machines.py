"""What a fleet promises, on child processes; test_ec2 holds the same on EC2."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet import keeper
from fleet.fleets import open_fleet
from fleet.machines import LaunchRefused, LocalFleet, Machine, NoFleet, SlotTaken
from jobs.clock import now_ms
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.processes import is_alive, record, said, until, worker, working

Fleets = Callable[..., LocalFleet]


def test_a_launched_machine_is_listed_at_once(fleets: Fleets) -> None:
    fleet = fleets(worker("sleeps"))
    before = now_ms()
    machine = fleet.launch(0, 1)
    assert fleet.machines() == [machine]
    assert (machine.slot, machine.epoch) == (0, 1)
    assert before <= machine.launched_ms <= now_ms()


def test_a_slot_holds_one_machine_and_another_slot_another(fleets: Fleets) -> None:
    fleet = fleets(worker("sleeps"))
    fleet.launch(0, 1)
    with pytest.raises(SlotTaken) as taken:
        fleet.launch(0, 2)
    assert taken.value.epoch == 1
    fleet.launch(1, 1)
    assert [machine.slot for machine in fleet.machines()] == [0, 1]


def test_an_epoch_is_launched_once_even_after_its_machine_is_gone(fleets: Fleets) -> None:
    fleet = fleets(worker("exits"))
    fleet.launch(0, 3)
    until(lambda: not fleet.machines())
    with pytest.raises(SlotTaken):
        fleet.launch(0, 3)
    with pytest.raises(SlotTaken):
        fleet.launch(0, 2)
    fleet.launch(0, 4)


def test_of_many_threads_and_processes_that_launch_at_once_one_wins(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("sleeps"))
    script = (
        "import sys; from fleet.machines import LocalFleet, SlotTaken; from jobs.clock import now_ms\n"
        f"fleet = LocalFleet({settings.fleet.removeprefix('process:')!r}, clock=now_ms, command={worker('sleeps')!r})\n"
        "sys.stdin.readline()\n"
        "for epoch in range(1, 9):\n"
        "    try: fleet.launch(0, epoch); print('won')\n"
        "    except SlotTaken: print('lost')\n"
        "import os; sys.stdout.flush(); os._exit(0)"
    )
    others = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    go = threading.Barrier(9)
    answers: list[str] = []

    def launch(epoch: int) -> None:
        go.wait()
        try:
            fleet.launch(0, epoch)
        except SlotTaken:
            answers.append("lost")
        else:
            answers.append("won")

    threads = [threading.Thread(target=launch, args=(epoch,)) for epoch in range(1, 9)]
    for thread in threads:
        thread.start()
    for other in others:
        assert other.stdin
        other.stdin.write("go\n")
        other.stdin.flush()
    go.wait()
    for thread in threads:
        thread.join()
    for other in others:
        answers += other.communicate(timeout=60)[0].split()
    assert answers.count("won") == 1
    assert len(answers) == 32
    assert len(fleet.machines()) == 1


def test_a_machine_outlives_its_launcher(fleets: Fleets, settings: Settings) -> None:
    script = (
        "import os; from fleet.machines import LocalFleet; from jobs.clock import now_ms\n"
        f"fleet = LocalFleet({settings.fleet.removeprefix('process:')!r}, clock=now_ms, command={worker('sleeps')!r})\n"
        "fleet.launch(0, 1); os.kill(os.getpid(), 9)"
    )
    launcher = subprocess.run([sys.executable, "-c", script], check=False)
    assert launcher.returncode == -signal.SIGKILL
    fleet = fleets(worker("sleeps"))
    assert [machine.epoch for machine in fleet.machines()] == [1]
    until(lambda: working(settings))
    assert is_alive(record(settings)["worker"])
    fleet.stop_all()
    assert fleet.machines() == []


def test_a_machine_whose_worker_exits_is_gone_and_leaves_no_zombie(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("exits"))
    for epoch in range(1, 4):
        fleet.launch(0, epoch)
        until(lambda: not fleet.machines())
    assert record(settings)["exit"] == 0
    until(lambda: not fleet.machines() and not fleet._children)
    with pytest.raises(ChildProcessError):
        os.waitpid(record(settings)["keeper"], os.WNOHANG)


def test_launching_does_not_wait_for_the_worker(fleets: Fleets) -> None:
    fleet = fleets(worker("sleeps"))
    began = time.monotonic()
    for slot in range(4):
        fleet.launch(slot, 1)
    assert time.monotonic() - began < 30  # one worker alone lives for sixty seconds


def test_stopping_asks_the_worker_to_end(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("sleeps"))
    machine = fleet.launch(0, 1)
    until(lambda: working(settings))
    fleet.stop(machine, kill=False)
    until(lambda: not fleet.machines())
    assert record(settings)["exit"] == -signal.SIGTERM


def test_a_worker_that_ignores_the_request_is_killed_after_the_grace(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("ignores_sigterm"), grace_s=0.2)
    machine = fleet.launch(0, 1)
    until(lambda: working(settings))
    fleet.stop(machine, kill=False)
    until(lambda: not fleet.machines())
    assert record(settings)["exit"] == -signal.SIGKILL


def test_a_frozen_worker_is_killed_with_its_children(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("leaves_a_child", "stay"))
    machine = fleet.launch(0, 1)
    until(lambda: working(settings))
    child = int(said(settings).split()[1])
    os.killpg(record(settings)["worker"], signal.SIGSTOP)
    fleet.stop(machine, kill=True)
    until(lambda: not fleet.machines())
    until(lambda: not is_alive(child))


def test_a_frozen_keeper_does_not_protect_its_worker(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("sleeps"))
    machine = fleet.launch(0, 1)
    until(lambda: working(settings))
    os.kill(record(settings)["keeper"], signal.SIGSTOP)
    fleet.stop(machine, kill=True)
    until(lambda: not fleet.machines())
    until(lambda: not is_alive(record(settings)["worker"]))


def test_a_worker_without_its_keeper_still_holds_the_slot_and_can_be_stopped(
    fleets: Fleets, settings: Settings
) -> None:
    fleet = fleets(worker("sleeps"))
    machine = fleet.launch(0, 1)
    until(lambda: working(settings))
    os.kill(record(settings)["keeper"], signal.SIGKILL)
    until(lambda: not is_alive(record(settings)["keeper"]))
    assert fleet.machines() == [machine]
    with pytest.raises(SlotTaken):
        fleet.launch(0, 2)
    fleet.stop(machine, kill=False)
    until(lambda: not fleet.machines())


def test_what_a_worker_leaves_behind_ends_with_it(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("leaves_a_child"))
    fleet.launch(0, 1)
    until(lambda: not fleet.machines())
    until(lambda: not is_alive(int(said(settings).split()[1])))


def test_a_machine_ends_at_its_hard_age_without_any_tick(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("ignores_sigterm"), hard_age_s=0.3)
    fleet.launch(0, 1)
    until(lambda: not fleet.machines())
    assert record(settings)["exit"] == -signal.SIGKILL


def test_stopping_a_machine_of_the_past_leaves_the_new_one_alone(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("sleeps"))
    machine = fleet.launch(0, 2)
    until(lambda: working(settings))
    fleet.stop(Machine(slot=0, epoch=1, launched_ms=0, name="0-1"), kill=True)
    fleet.stop(Machine(slot=5, epoch=1, launched_ms=0, name="5-1"), kill=True)
    assert is_alive(record(settings)["worker"])
    assert fleet.machines() == [machine]


def test_the_log_keeps_the_last_words_and_stays_bounded(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("chatters"))
    fleet.launch(0, 1)
    until(lambda: not fleet.machines())
    folder = Path(settings.fleet.removeprefix("process:"))
    assert said(settings).endswith("the last words\n")
    assert sum(path.stat().st_size for path in folder.glob("0.log*")) < 2 * keeper.LOG_BYTES + 2 * 65536


def test_a_program_that_is_missing_frees_the_slot_and_says_so(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(["/nowhere/python"])
    fleet.launch(0, 1)
    until(lambda: not fleet.machines())
    assert "cannot start /nowhere/python" in said(settings)
    assert record(settings)["exit"] == 127


def test_a_worker_gets_settings_and_rooms_wherever_the_service_was_started(
    fleets: Fleets, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jobs.py").write_text("raise SystemExit('the wrong jobs')")
    monkeypatch.chdir(tmp_path)
    fleet = fleets(worker("tells"))
    fleet.launch(7, 2)
    until(lambda: not fleet.machines())
    assert said(settings, 7) == f"--slot 7 --epoch 2 {tmp_path} 0.1\n"


def test_stop_all_leaves_nothing(fleets: Fleets, settings: Settings) -> None:
    fleet = fleets(worker("sleeps"))
    for slot in range(3):
        fleet.launch(slot, 1)
    fleet.stop_all()
    assert fleet.machines() == []


def test_launching_under_gevent_stops_no_greenlet_and_leaves_no_zombie(settings: Settings) -> None:
    script = f"""
from gevent import monkey; monkey.patch_all()
import gevent, json, os, pathlib, time
from fleet.machines import LocalFleet
from jobs.clock import now_ms
folder = {settings.fleet.removeprefix("process:")!r}
fleet = LocalFleet(folder, clock=now_ms, command={worker("exits")!r})
asleep = LocalFleet(folder + "/asleep", clock=now_ms, command={worker("sleeps")!r})  # for a minute
beats = []
def tick():
    while True:
        beats.append(time.monotonic())
        gevent.sleep(0.002)
ticking = gevent.spawn(tick)
gevent.sleep(0.02)
launching = [gevent.spawn(fleet.launch, slot, 1) for slot in range(6)] + [gevent.spawn(asleep.launch, 0, 1)]
gevent.joinall(launching, raise_error=True)
asleep.stop_all()
ends = time.monotonic() + 60
while fleet.machines() or fleet._children:
    assert time.monotonic() < ends
    gevent.sleep(0.01)
print(max(after - before for before, after in zip(beats, beats[1:])))
for record in pathlib.Path(folder).glob("*.json"):
    try: print("zombie", monkey.get_original("os", "waitpid")(json.loads(record.read_text())["keeper"], os.WNOHANG))
    except ChildProcessError: print("collected")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=110, check=False)
    assert ran.returncode == 0, ran.stderr
    longest, _, children = ran.stdout.partition("\n")
    assert float(longest) < 20
    assert children.split() == ["collected"] * 6
    assert not list(Path(settings.fleet.removeprefix("process:")).glob("*.json.*"))


def test_nobody_launches_where_somebody_else_runs_the_workers(ports: Ports) -> None:
    fleet = open_fleet(Settings(fleet="none:"), ports)
    assert isinstance(fleet, NoFleet)
    assert fleet.machines() == []
    with pytest.raises(LaunchRefused):
        fleet.launch(0, 1)


def test_a_record_that_a_power_cut_emptied_does_not_block_the_slot(fleets: Fleets, settings: Settings) -> None:
    folder = Path(settings.fleet.removeprefix("process:"))
    folder.mkdir(parents=True)
    (folder / "0.json").write_text("")
    (folder / "0.lock").touch()
    fleet = fleets(worker("exits"))
    assert fleet.machines() == []
    fleet.launch(0, 1)
    until(lambda: not fleet.machines())
    assert record(settings)["exit"] == 0
