"""Several launchers, and somebody who kills and freezes what runs: never two workers in a slot, always one again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.machines import LocalFleet
from jobs.clock import now_ms
from jobs.heartbeat import heartbeats
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.photos import upload
from tests.fleet.processes import record, said, until, worker

TICKING = """
import os, sys, threading
from fleet.launcher import Launcher
from fleet.machines import LocalFleet
from fleet.tick import run
from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import Settings
settings = Settings.read(os.environ)
ports = open_ports(settings, clock=now_ms)
folder = settings.fleet.removeprefix("process:")
fleet = LocalFleet(folder, clock=now_ms, settings=settings.environ(), command=sys.argv[1:])
run(ports, Launcher(ports, settings, fleet), settings, threading.Event())
"""


def both_work(ports: Ports, fleet: LocalFleet) -> bool:
    names = {f"slot{machine.slot}-{machine.epoch}" for machine in fleet.machines()}
    signs = heartbeats(ports.table, since_ms=now_ms() - 1000)
    return len(names & {sign.worker for sign in signs}) == 2


TURNS = 25
DAY_MS = 86_400_000


def starts(settings: Settings) -> int:
    return sum(said(settings, slot).count("alone") for slot in range(2))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_whatever_is_killed_or_frozen_each_slot_has_one_worker_again(
    ports: Ports, settings: Settings, fleets, tmp_path: Path
) -> None:
    settings = replace(settings, max_machines=2, target_wait_s=0.0, launch_budget=1000)
    command = worker("insists_on_being_alone")
    fleet = fleets(command)
    for _ in range(5):
        upload(ports, tmp_path)
    environ = {**os.environ, **settings.environ()}
    tickers = [subprocess.Popen([sys.executable, "-c", TICKING, *command], env=environ) for _ in range(3)]
    chance, turn, first_day = random.Random(1), 0, now_ms() // DAY_MS
    try:
        while turn < TURNS or starts(settings) <= 10:
            turn += 1
            until(lambda: both_work(ports, fleet), within_s=40)
            assert all(machine.slot < 2 for machine in fleet.machines())
            victim = record(settings, chance.randrange(2))[chance.choice(["worker", "worker", "keeper"])]
            with suppress(ProcessLookupError):  # its worker may have died of the last turn
                os.kill(victim, chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM]))
            if chance.random() < 0.3:
                ticker = tickers.pop(0)
                ticker.kill()
                ticker.wait()
                tickers.append(subprocess.Popen([sys.executable, "-c", TICKING, *command], env=environ))
            time.sleep(chance.random() * 0.2)
        until(lambda: both_work(ports, fleet), within_s=40)
    finally:
        for ticker in tickers:
            ticker.kill()
            ticker.wait()
    assert not (tmp_path / "violated").exists()
    charged = [ports.table.total(f"launches/{day}", now=now_ms()) for day in range(first_day, now_ms() // DAY_MS + 1)]
    assert starts(settings) <= sum(charged)
