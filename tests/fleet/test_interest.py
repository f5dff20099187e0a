"""Whether looks at the page pay: what is learned from them, and what is started for them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.interest import ENOUGH, KEPT, STAYS_MS, Interest, heard, read_interest, write_interest
from fleet.policy import Policy, decide
from fleet.view import Reason, View
from jobs.settings import Settings
from tests.fleet.regions import World
from tests.fleet.views import NOW, SLOTS

LATER = NOW + STAYS_MS


def after(*signs: tuple[Reason, int]) -> Interest:
    interest = Interest()
    for reason, at_ms in signs:
        interest = heard(interest, reason, now=at_ms)
    return interest


@pytest.mark.parametrize(
    ("signs", "brought", "looked_ms"),
    [
        ([("view", NOW)], (), NOW),
        ([("view", NOW), ("upload", NOW + 60_000)], (True,), 0),
        ([("view", NOW), ("view", NOW + 60_000), ("upload", NOW + 90_000)], (True,), 0),
        ([("view", NOW), ("upload", LATER)], (False,), 0),
        ([("view", NOW), ("view", LATER)], (False,), LATER),
        ([("upload", NOW)], (), 0),
        ([("view", NOW), ("pick", NOW + 1000), ("tick", NOW + 2000)], (), NOW),
        ([("view", NOW), ("view", NOW - 1)], (False,), NOW - 1),  # a clock that was put back
    ],
)
def test_a_look_is_answered_by_a_photo_or_by_time(signs, brought, looked_ms) -> None:
    assert after(*signs) == Interest(brought=brought, looked_ms=looked_ms)


def test_no_news_are_the_same_object_so_that_nothing_is_written() -> None:
    looked = after(("view", NOW))
    assert heard(looked, "view", now=NOW + 1) is looked
    assert heard(Interest(), "upload", now=NOW) == Interest()


@pytest.mark.parametrize(
    ("brought", "pays"),
    [
        ((), True),
        ((False,) * (ENOUGH - 1), True),
        ((False,) * ENOUGH, False),
        ((True, True, False) * 8, True),
        ((True, False) * 8, False),
    ],
)
def test_looks_pay_while_two_of_three_bring_a_photo(brought: tuple[bool, ...], *, pays: bool) -> None:
    assert Interest(brought=brought).pays is pays


def test_old_habits_are_forgotten() -> None:
    changed = Interest(brought=(False,) * KEPT)
    for number in range(KEPT):
        changed = heard(heard(changed, "view", now=NOW + number), "upload", now=NOW + number)
    assert changed.brought == (True,) * KEPT


@pytest.mark.parametrize(("reason", "count"), [("view", 0), ("pick", 1), ("upload", 1)])
def test_where_looks_bring_no_photos_only_who_picks_one_starts_a_machine(reason: Reason, count: int) -> None:
    policy = Policy.of(replace(Settings(), fleet="ec2:lt-1"))
    assert len(decide(View(slots=SLOTS[:1], looks_pay=False), policy, NOW, reason=reason)) == count


def test_visitors_who_only_look_cost_a_few_machines_and_then_none(ec2: World) -> None:
    launcher = ec2.launcher(warm_budget=100)
    for _ in range(ENOUGH + 4):
        launcher.ensure("view")
        for instance in ec2.region.live():
            ec2.region.end(instance.id, why="Client.InstanceInitiatedShutdown")
        ec2.clock.pass_s(STAYS_MS / 1000 + 1)
        launcher.ensure("tick")
    assert ec2.region.launches == ENOUGH
    assert launcher.glance("view").state == "none"
    assert launcher.glance("pick").state == "starting"
    assert launcher.ensure("pick").state == "starting"


def test_where_machines_cost_nothing_every_look_starts_one(ec2: World) -> None:
    write_interest(ec2.ports.table, Interest(brought=(False,) * KEPT))
    launcher = ec2.launcher(fleet="process:machines")
    assert launcher.glance("view").state == "starting"


def test_a_lost_race_for_the_row_is_no_fault(ec2: World) -> None:
    write_interest(ec2.ports.table, Interest(looked_ms=1))
    write_interest(ec2.ports.table, Interest(looked_ms=2))
    assert read_interest(ec2.ports.table) == Interest(looked_ms=1, revision=1)
