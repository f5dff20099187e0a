"""The simulated world: its clock, its accounts, what it may never lose, and how each policy acts in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from fleet.instance_types import usd_per_hour
from fleet.simulation.agenda import Agenda
from fleet.simulation.comparison import ratios
from fleet.simulation.figures import Figures
from fleet.simulation.outcome import Life
from fleet.simulation.scenarios import (
    BRIDGED,
    MONTH,
    OLD,
    ON_UPLOAD,
    ORACLE,
    OURS,
    UNTOLD,
    Case,
    patient,
    simulate,
    visits_of,
)
from fleet.simulation.traces import Capacity
from fleet.simulation.visits import Crowd
from tests.fleet.worlds import ALWAYS, HOUR_S, NAMED, NEVER, TINY, govern, played, seed_of, visit, world

pytestmark = pytest.mark.usefixtures("hushed")


# The clock.


def test_things_happen_in_order_of_time_and_nothing_sleeps() -> None:
    agenda, seen = Agenda(0), []
    agenda.at(2000, lambda: seen.append(("late", agenda())))
    agenda.at(
        1000, lambda: (seen.append(("early", agenda())), agenda.after(0.5, lambda: seen.append(("next", agenda()))))
    )
    agenda.at(1000, lambda: seen.append(("second", agenda())))
    agenda.play(10_000)
    assert seen == [("early", 1000), ("second", 1000), ("next", 1500), ("late", 2000)]
    assert agenda() == 10_000


def test_the_past_is_now() -> None:
    agenda, seen = Agenda(5000), []
    agenda.at(1, lambda: seen.append(agenda()))
    agenda.play(5000)
    assert seen == [5000]


# Whole worlds.


@pytest.mark.parametrize("name", [OURS, "scaling group", BRIDGED])
def test_the_same_seed_gives_the_same_outcome(name: str) -> None:
    case = Case(place=TINY, contestant=NAMED[name], seed=1)
    assert simulate(case) == played(name)
    assert played(name).waits_s != played(name, 2).waits_s


def test_every_policy_meets_the_same_people() -> None:
    assert len({played(name).photos for name in NAMED}) == 1


@pytest.mark.parametrize("name", NAMED)
def test_every_photo_ends(name: str) -> None:
    outcome = played(name)
    assert (outcome.unfinished, outcome.failed) == (0, 0)
    assert outcome.photos == sum(
        len(each.work_s) for each in visits_of(Case(place=TINY, contestant=NAMED[name], seed=1), seed_of(TINY))
    )
    assert all(wait > 0 for wait in outcome.waits_s)


@pytest.mark.parametrize("name", [OURS, OLD, "scaling group"])
def test_one_slot_never_has_two_machines(name: str) -> None:
    for one, other in combinations(played(name).lives, 2):
        assert one.ended_ms <= other.launched_ms or other.ended_ms <= one.launched_ms


def test_what_is_billed_is_the_sum_of_the_lives() -> None:
    outcome = played(OLD)
    lived_s = sum((life.ended_ms - life.launched_ms) / 1000 for life in outcome.lives)
    assert outcome.machine_hours == pytest.approx(lived_s / HOUR_S)
    assert max(life.billed_s for life in outcome.lives) > 600
    spot = [life for life in outcome.lives if life.market == "spot"]
    assert spot
    assert all(life.usd_per_hour == pytest.approx(0.265 + 0.005 + 0.0086) for life in spot)


def test_a_short_life_is_billed_a_whole_minute() -> None:
    life = Life(launched_ms=0, ended_ms=10_000, market="spot", usd_per_hour=3.6, least_s=60.0)
    assert (life.billed_s, life.usd) == (60.0, pytest.approx(0.06))


def test_a_visitor_who_only_looks_sends_nothing_and_costs_a_machine() -> None:
    looking = replace(TINY, crowd=replace(TINY.crowd, lookers=0.5))
    case = Case(place=looking, contestant=NAMED[OURS], seed=1)
    views = visits_of(case, seed_of(looking))
    lookers = [each for each in views if not each.photos]
    assert 0.3 < len(lookers) / len(views) < 0.7
    outcome = simulate(case)
    assert outcome.photos == sum(each.photos for each in views)
    assert outcome.usd > simulate(replace(case, contestant=NAMED[ON_UPLOAD])).usd * 0.9


# What goes wrong.


def test_an_interruption_loses_nothing_and_the_photo_goes_to_the_next_machine() -> None:
    """Two zones that take turns; the first goes while a long photo is in work."""
    first = Capacity(zone="a", step_s=60.0, there=(True, True, False, False, False, False, False, False) * 20)
    second = Capacity(zone="b", step_s=60.0, there=(True,) * 160)
    slow = visit(10, photos=2, work_s=80.0)
    made = world([slow], [first, second])
    outcome = made.play(govern)
    assert (len(outcome.waits_s), outcome.failed, outcome.unfinished) == (2, 0, 0)
    assert len(outcome.lives) == 2
    assert outcome.waits_s[0] > 80 + 30  # it was begun anew


def test_without_spot_photos_wait_or_pay_the_full_price() -> None:
    paid = world([visit(10)], [NEVER], on_demand_budget=1).play(govern)
    assert [life.market for life in paid.lives] == ["on-demand"]
    assert paid.lives[0].usd_per_hour == pytest.approx(usd_per_hour("g4dn.xlarge", "on-demand") + 0.0136)
    later = Capacity(zone="a", step_s=60.0, there=(*(False,) * 30, *(True,) * 130))
    waited = world([visit(10)], [later], on_demand_budget=0).play(govern)
    assert [life.market for life in waited.lives] == ["spot"]
    assert waited.waits_s[0] > 1800
    assert waited.unfinished == 0


def test_a_photo_that_no_machine_ever_comes_for_meets_its_deadline() -> None:
    outcome = world([visit(10, photos=1)], [NEVER], on_demand_budget=0).play(govern)
    assert (outcome.failed, outcome.unfinished, outcome.waits_s, outcome.lives) == (1, 0, (), ())


# The policies.


def test_a_view_lets_boot_and_thought_overlap() -> None:
    wait_s = {
        name: world([visit(10, think_s=20.0)], [ALWAYS], contestant=NAMED[name])
        .play(lambda made, name=name: govern(made, NAMED[name]))
        .waits_s[0]
        for name in (OURS, ON_UPLOAD, BRIDGED)
    }
    assert wait_s[OURS] == pytest.approx(wait_s[ON_UPLOAD] - 20, abs=1)
    assert wait_s[BRIDGED] < 9


def test_a_fixed_idle_time_is_kept_and_budgets_hold_as_for_ours() -> None:
    idle = patient(40.0)
    made = world([visit(10)], [ALWAYS], contestant=idle)
    assert (made.settings.warm_budget, made.settings.dollar_budget) == (20, 5.0)
    [life] = made.play(lambda made: govern(made, idle)).lives
    assert (life.left_ms - life.last_ms) / 1000 == pytest.approx(40, abs=1.1)


def test_who_picks_while_a_machine_is_ready_asks_for_no_other() -> None:
    """As the API does; else a flood of visitors would cost a look at EC2 each."""
    made = world([visit(10)], [ALWAYS])
    made.play(govern)
    looks = made.region.calls["DescribeInstances"]
    crowded = world([visit(10), *(visit(75 + each / 10, photos=0) for each in range(30))], [ALWAYS])
    crowded.play(govern)
    assert crowded.region.calls["DescribeInstances"] <= looks + 2


def test_a_scaling_group_sees_work_after_its_periods_and_rests_after_its_quarter_of_an_hour() -> None:
    contestant = NAMED["scaling group"]
    outcome = world([visit(10)], [ALWAYS], contestant=contestant).play(lambda made: govern(made, contestant))
    assert 120 + 50 < outcome.waits_s[0] < 240 + 60
    [life] = outcome.lives
    assert life.billed_s >= 15 * 60


# What must be shown.


def test_ours_costs_a_third_of_the_old_system_and_halves_the_wait() -> None:
    """Five days of a world of our own; the month on recorded traces is `make simulate`'s."""
    days = replace(MONTH, name="five days", crowd=Crowd(photos_an_hour=1.4, days=5))
    found = {(name, 1): played(name, 1, days) for name in (OURS, BRIDGED, OLD, ORACLE, ON_UPLOAD)}
    ours, bridged = ratios(found), ratios(found, ours=BRIDGED)
    assert ours.to_old_usd[0] < 0.33
    assert ours.to_oracle_usd[0] < 1.7
    assert ours.to_on_upload_p90[0] < 0.75
    assert bridged.to_old_usd[0] < 0.3
    assert bridged.to_oracle_usd[0] < 1.5
    assert bridged.to_on_upload_p90[0] < 0.4


def test_a_machine_whose_visitor_says_that_he_leaves_ends_sooner() -> None:
    told, untold = (replace(visit(0, photos=1), leaves_s=leaves_s) for leaves_s in (10.0, None))
    lives = [world([each], [ALWAYS]).play(govern).lives for each in (told, untold)]
    stayed_ms = [life.left_ms - life.last_ms for (life,) in lives]
    assert 25_000 <= stayed_ms[0] <= 27_000  # the least time, and a look at the clock
    assert stayed_ms[1] > 89_000  # nothing is learned yet


def test_where_pages_tell_nothing_nobody_leaves() -> None:
    each = replace(visit(0, photos=1), leaves_s=10.0)
    (life,) = world([each], [ALWAYS], contestant=NAMED[UNTOLD]).play(lambda made: govern(made, NAMED[UNTOLD])).lives
    assert life.left_ms - life.last_ms > 89_000


def test_who_leaves_changes_nothing_else_about_anybody() -> None:
    case = Case(place=TINY, contestant=NAMED[OURS], seed=1)
    none, all_ = (replace(case, figures=replace(Figures(), leavers=share)) for share in (0.0, 1.0))
    quiet, loud = (visits_of(each, seed_of(TINY)) for each in (none, all_))
    assert [replace(each, leaves_s=None) for each in loud] == quiet
    assert all(each.leaves_s is None for each in quiet)
    assert all(each.leaves_s is not None and each.leaves_s > 0 for each in loud)
