"""Whole days on EC2, simulated: what may be spent, whatever anyone sends, and what those who wait are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.instance_types import usd_per_hour
from fleet.launcher import Launcher
from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.stand_in.instances import Instance
from fleet.tick import tick_once
from jobs.heartbeat import heartbeats
from jobs.ports import open_ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.photos import upload
from tests.fleet.regions import World
from tests.fleet.signs import show

DAY_S = 86_400
BOOT_S, LOAD_S, IDLE_S = 30, 5, 90


@pytest.fixture
def day(settings: Settings, clock: FakeClock) -> Iterator[World]:
    """A world whose table is in memory, and whose day has just begun."""
    clock.ms -= clock.ms % (DAY_S * 1000)
    ports = open_ports(replace(settings, table="sqlite::memory:", queue="sqlite::memory:"), clock=clock)
    world = World(ports=ports, clock=clock)
    world.weather.boot_ms = BOOT_S * 1000
    yield world
    ports.close()


def work(day: World, *, busy: bool) -> None:
    """What the workers on the live machines do now: load, work or idle, and end when idle for long (S9)."""
    for instance in day.region.live():
        age_s = (day.clock.ms - instance.launched_ms) / 1000
        slot, epoch = int(instance.tags[SLOT_TAG]), int(instance.tags[EPOCH_TAG])
        ready_ms = instance.launched_ms + (BOOT_S + LOAD_S) * 1000
        known = {"slot": slot, "started_ms": instance.running_ms}
        if not busy:
            seen = [each.last_job_ms for each in heartbeats(day.ports.table, since_ms=0) if each.epoch == epoch]
            known["last_job_ms"] = max(seen, default=0)
        if busy and age_s >= BOOT_S + LOAD_S:
            show(day.ports, epoch, "busy", ready_ms=ready_ms, last_job_ms=day.clock.ms, **known)
        elif age_s >= BOOT_S + LOAD_S + IDLE_S:
            show(day.ports, epoch, "draining", ready_ms=ready_ms, **known)
            day.region.end(instance.id, why="Client.InstanceInitiatedShutdown")
        elif age_s >= BOOT_S:
            state = "ready" if age_s >= BOOT_S + LOAD_S else "loading"
            show(day.ports, epoch, state, ready_ms=ready_ms * (state == "ready"), **known)


def cost(day: World) -> float:
    """Dollars that the machines really cost, by our own prices."""

    def hours(instance: Instance) -> float:
        return ((instance.ending_ms or day.clock.ms) - instance.launched_ms) / 3_600_000

    return sum(hours(each) * usd_per_hour(each.type, each.market) for each in day.region.instances.values())


def counted(day: World) -> float:
    today = day.clock.ms // (DAY_S * 1000)
    micro = day.ports.table.add(f"dollars/{today}", 0, limit=None, expires_ms=day.clock.ms + 1, now=day.clock.ms)
    return (micro or 0) / 1e6


@pytest.mark.parametrize("calls", [1000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_warm_calls_a_day_stay_inside_the_budgets(day: World, calls: int) -> None:
    launchers = [day.launcher(warm_budget=20, dollar_budget=5.0) for _ in range(2)]
    refused = 0
    for call in range(calls):
        launcher = launchers[call % 2]
        refused += launcher.ensure("view" if call % 10 == 0 else "pick").refused == "warm_budget_spent"
        work(day, busy=False)
        launcher.reap()
        day.clock.ms += DAY_S * 1000 // calls - 1
    assert len(day.region.instances) == 20
    assert refused > calls / 2
    assert 0.02 < cost(day) <= counted(day) + 0.01 <= 5.0


def test_a_machine_that_got_a_photo_costs_no_warm_launch(day: World, tmp_path: Path) -> None:
    """Pre-warming goes on all through a busy day; a launch that nobody used stays counted."""
    launcher = day.launcher(warm_budget=2)
    refused = []
    for comes in (True, True, True, True, False, False, False):
        refused.append(launcher.ensure("pick").refused)
        for _ in range(40):
            day.clock.pass_s(5)
            for instance in day.region.live():
                busy = comes and (day.clock.ms - instance.launched_ms) / 1000 < BOOT_S + LOAD_S + 20
                work(day, busy=busy)
            tick_once(day.ports, launcher)
        assert day.region.live() == []
    assert refused == [None] * 6 + ["warm_budget_spent"]


def test_a_machine_that_works_all_day_is_ended_when_the_days_dollars_are_spent(day: World, tmp_path: Path) -> None:
    upload(day.ports, tmp_path)
    launcher = day.launcher(dollar_budget=0.7, heartbeat_s=60.0, lease_s=300.0)
    for _ in range(4 * 60):
        launcher.reap()
        outlook = launcher.ensure("tick")
        work(day, busy=True)
        day.clock.pass_s(60)
    assert 0.5 < cost(day) <= 0.7
    assert day.region.live() == []
    assert (outlook.state, outlook.phase) == ("none", "waiting_for_capacity")
    assert "used up" in outlook.detail
    day.clock.pass_s(20 * 3600)
    assert launcher.ensure("tick").state == "starting"


def test_a_short_life_is_counted_as_what_it_was(day: World) -> None:
    launcher = day.launcher(dollar_budget=5.0)
    launcher.ensure("view")
    for _ in range(40):
        work(day, busy=False)
        launcher.reap()
        day.clock.pass_s(5)
    assert day.region.live() == []
    assert counted(day) == pytest.approx(cost(day), abs=0.002)


def test_two_tickers_pay_once(day: World, tmp_path: Path) -> None:
    upload(day.ports, tmp_path)
    launchers: list[Launcher] = [day.launcher(dollar_budget=5.0) for _ in range(2)]
    launchers[0].ensure("upload")
    for _ in range(180):
        day.clock.pass_s(10)
        work(day, busy=True)
        for launcher in launchers:
            launcher.reap()
    assert cost(day) <= counted(day) <= cost(day) * 1.25


def test_a_day_without_capacity_ends_every_job_and_says_why_it_waits(day: World, tmp_path: Path) -> None:
    day.weather.dry_pools = {"*": "InsufficientInstanceCapacity"}
    launcher = day.launcher(dollar_budget=5.0, launch_budget=10)
    ids = []
    for minute in range(0, 24 * 60, 5):
        if minute % 120 == 0:
            ids.append(upload(day.ports, tmp_path))
        outlook = tick_once(day.ports, launcher)
        if day.ports.ledger.waiting():
            assert (outlook.state, outlook.phase) == ("none", "waiting_for_capacity")
            assert "InsufficientInstanceCapacity" in outlook.detail
        day.clock.pass_s(300)
    jobs = [day.ports.ledger.read(each) for each in ids]
    late = [job for job in jobs if job is not None and job.created_ms < day.clock.ms - 6 * 3_600_000 - 300_000]
    assert len(late) == 9
    assert {job.error.code for job in late} == {"deadline_passed"}
    assert all(job is not None and (job.finished or job.state == "queued") for job in jobs)
    assert counted(day) == 0
    assert day.region.instances == {}
    assert day.region.calls["CreateFleet"] <= 4 * (24 * 6 + 1)
