"""What may be launched a day, whatever anyone sends."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.launcher import Launcher
from fleet.machines import LaunchRefused
from fleet.meter import micro_dollars
from fleet.slots import LAUNCH_GRACE_MS, read_slots
from fleet.view import observe
from jobs.errors import StoreBusy
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.transitions import erase
from tests.fleet.clocks import FakeClock
from tests.fleet.photos import upload
from tests.fleet.signs import show

DAY_MS = 86_400_000


def spent(ports: Ports, counter: str, at_ms: int | None = None) -> int:
    """A day's counter as it stands: today's, or that of the day of a moment which is over."""
    moment = ports.clock() if at_ms is None else at_ms
    return ports.table.total(f"{counter}/{moment // DAY_MS}", now=moment)


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
    assert [spent(ports, counter) for counter in ("launches", "warm_launches")] == [3, 3]


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


def test_a_warm_call_that_goes_on_with_a_paid_launch_is_given_back_nothing_that_it_did_not_pay(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, warm_budget=1), cloud)
    job_id = upload(ports, tmp_path)
    cloud.weather = [StoreBusy("no answer")]
    launcher.ensure("upload")  # the job's own launch, paid for without the warm budget
    ports.ledger.change(job_id, lambda each: erase(each, now=clock()))
    clock.pass_s(LAUNCH_GRACE_MS / 1000 + 1)
    launcher.ensure("view")
    assert cloud.launches == [(0, 1)]
    show(ports, 1, "draining", ready_ms=clock(), last_job_ms=clock())
    cloud.lose(0)
    launcher.look()
    assert spent(ports, "warm_launches") == 0


def test_a_refusal_gives_back_what_its_launch_had_paid_on_the_day_that_paid(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, launch_budget=5, warm_budget=5), cloud)
    clock.pass_s((DAY_MS - clock() % DAY_MS) / 1000 - 5)
    upload(ports, tmp_path)
    cloud.weather = [StoreBusy("no answer"), LaunchRefused("UnauthorizedOperation")]
    launcher.ensure("upload")
    yesterday = clock()
    clock.pass_s(LAUNCH_GRACE_MS / 1000 + 1)
    launcher.ensure("tick")
    assert cloud.weather == []
    assert [spent(ports, counter) for counter in ("launches", "warm_launches")] == [0, 0]
    assert spent(ports, "launches", yesterday) == 1  # the counter of a day that is over is let go


def test_two_who_see_a_machine_gone_give_its_minutes_and_its_warm_launch_back_once(
    world, settings: Settings, clock: FakeClock
) -> None:
    ports, cloud = world
    settings = replace(settings, fleet="ec2:lamp", dollar_budget=5.0, warm_budget=4)
    cloud.usd_per_hour = 1.0
    Launcher(ports, settings, cloud).ensure("pick")
    clock.pass_s(60)
    show(ports, 1, "draining", ready_ms=clock(), last_job_ms=clock())
    cloud.lose(0)
    view = observe(ports, cloud, max_machines=1, watching_since_ms=0)
    for launcher in (Launcher(ports, settings, cloud), Launcher(ports, settings, cloud)):
        launcher._settled(view.slots[0], view, clock())
    assert spent(ports, "warm_launches") == 0
    assert spent(ports, "dollars") == pytest.approx(micro_dollars(1.0, 60_000), abs=1)  # roundings


def test_minutes_that_yesterday_paid_for_do_not_lengthen_today(
    world, settings: Settings, clock: FakeClock, tmp_path: Path
) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, fleet="ec2:lamp", dollar_budget=5.0), cloud)
    cloud.usd_per_hour = 1.0
    clock.pass_s((DAY_MS - clock() % DAY_MS) / 1000 - 60)
    upload(ports, tmp_path)
    launcher.ensure("upload")
    yesterday = clock()
    assert spent(ports, "dollars") > 0
    clock.pass_s(61)
    show(ports, 1, "draining", ready_ms=clock(), last_job_ms=clock())
    cloud.lose(0)
    launcher.look()
    assert read_slots(ports.table)[0].outcome == "ended"
    assert spent(ports, "dollars") == 0
    assert spent(ports, "dollars", yesterday) > 0


def test_a_look_at_a_budget_writes_nothing(world, settings: Settings) -> None:
    ports, cloud = world
    launcher = Launcher(ports, replace(settings, warm_budget=4, launch_budget=4), cloud)
    with sqlite3.connect(settings.table.removeprefix("sqlite:")) as db:
        assert launcher.glance("view").state == "starting"
        assert db.execute("SELECT count(*) FROM counters").fetchone() == (0,)
    db.close()
