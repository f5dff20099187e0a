"""Launchers in processes and threads of their own race over HTTP, while weather changes and some of them are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.pools import KEY
from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.slots import read_slots, write_slot
from fleet.stand_in.account import Account
from fleet.stand_in.instances import Instance
from fleet.stand_in.region import Region
from fleet.stand_in.server import Server
from fleet.stand_in.weather import Weather
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.errors import RowChanged, StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.table import JobTable
from tests.fleet.photos import upload
from tests.fleet.processes import until
from tests.fleet.signs import show

SEEDS = 20
LAUNCHING = """
import os, random, threading, time
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from jobs.clock import now_ms
from jobs.errors import StoreBusy
from jobs.ports import open_ports
from jobs.settings import Settings
settings = Settings.read(os.environ)
ports = open_ports(settings, clock=now_ms)
def race(seed):
    launcher, chance = Launcher(ports, settings, open_fleet(settings, ports)), random.Random(seed)
    while True:
        try:
            launcher.reap()
            launcher.ensure(chance.choice(["upload", "tick", "view", "pick"]))
        except StoreBusy:
            pass
        time.sleep(chance.random() * 0.1)
for seed in range(2):
    threading.Thread(target=race, args=(seed,), daemon=True).start()
threading.Event().wait()
"""


def weather_of(seed: int) -> Weather:
    chance = Random(seed)
    return Weather(
        chance=chance,
        lost_before=chance.choice([0, 0.1]),
        lost_after=chance.choice([0, 0.1]),
        throttled=chance.choice([0, 0.05]),
        declined=chance.choice([0, 0.1]),
        dry=chance.choice([0, 0.5]),
        least_lag_ms=chance.choice([0, 500]),
        lag_ms=chance.choice([0, 1500]),
        boot_ms=300,
        shutdown_ms=chance.choice([0, 1000]),
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_launchers_in_processes_and_threads_start_one_machine_in_a_slot_at_a_time(
    ports: Ports, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    most: Counter[str] = Counter()

    def started(instance: Instance) -> None:
        live = region.live()
        most["live"] = max(most["live"], len(live))
        most["slot"] = max(most["slot"], *Counter(each.tags[SLOT_TAG] for each in live).values())

    region = Region(clock=now_ms, started=started)
    server = Server(region)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    region.subnets = dict(list(Account(server.endpoint).subnets().items())[:2])
    two = ",".join(region.subnets)
    settings = replace(
        settings, fleet="ec2:lamp", max_machines=2, target_wait_s=0.0, on_demand_budget=1000, subnets=two
    )
    for _ in range(5):
        upload(ports, tmp_path)
    chance = Random(0)
    stop = threading.Event()

    def live_and_die() -> None:
        while not stop.wait(0.05):
            for instance in region.live():
                slot, epoch = int(instance.tags[SLOT_TAG]), int(instance.tags[EPOCH_TAG])
                if now_ms() >= instance.running_ms:
                    show(ports, epoch, "busy", slot=slot, last_job_ms=now_ms())
                if chance.random() < 0.03:
                    region.end(instance.id, why="Client.InstanceInitiatedShutdown")

    def launcher() -> subprocess.Popen[bytes]:
        environ = {**os.environ, **settings.environ()}
        return subprocess.Popen(
            [sys.executable, "-c", LAUNCHING], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
        )

    world = threading.Thread(target=live_and_die)
    racers = [launcher() for _ in range(3)]
    world.start()
    try:
        until(lambda: region.launches, within_s=60)
        for seed in range(SEEDS):
            region.weather = weather_of(seed)
            forget_pauses(ports.table)
            before, ends = region.launches, time.monotonic() + 6
            until(lambda before=before, ends=ends: region.launches > before + 1 or time.monotonic() > ends)
            if seed % 4 == 3:
                racers[0].kill()
                racers[0].wait()
                racers = [*racers[1:], launcher()]
        region.weather = Weather(boot_ms=300)
        until(lambda: forgotten(ports.table) and region.launches > SEEDS and most["live"] > 1, within_s=200)
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
        stop.set()
        world.join()
    assert most == {"live": 2, "slot": 1}
    region.weather = Weather()
    reaper = Launcher(ports, replace(settings, max_machines=0), open_fleet(settings, ports, clients=Clients()))
    until(lambda: reaped(reaper.reap) and not region.live(), within_s=60)
    server.close()


def forget_pauses(table: JobTable) -> None:
    """As if the minutes had passed for which slots and pools are spared once machines fail or are refused."""
    until(lambda: forgotten(table), within_s=60)


def forgotten(table: JobTable) -> bool:
    pools = table.read(KEY)
    try:
        if pools is not None:
            table.delete(pools)
        for slot in read_slots(table):
            if slot.failures or slot.refusals:
                write_slot(table, replace(slot, failures=0, refusals=0, not_before_ms=0))
    except (RowChanged, StoreBusy):
        return False
    return True


def reaped(reap: Callable[[], object]) -> bool:
    try:
        reap()
    except StoreBusy:
        return False
    return True
