"""How long a machine stays idle, by when photos came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fleet.idle import KEPT, idle_s, noticed
from fleet.tick import tick_once
from jobs.heartbeat import Heartbeat
from jobs.patience import KEY, Patience, read_patience
from jobs.table import Row
from tests.fleet.regions import World
from tests.fleet.signs import show

NOW = 1_800_000_000_000
TERMS = {"least_s": 90.0, "usual_s": 90.0, "most_s": 600.0, "start_s": 30.0}


@pytest.mark.parametrize(
    ("gaps", "stays"),
    [
        ([], 90),
        ([100, 100, 100], 90),  # too few for a habit
        ([5, 10, 20, 30, 40], 90),  # bridged anyway
        ([110] * 8, 132),  # 20 s more of idle machine save each cold start
        ([100, 120, 150, 100, 120], 180),
        ([3600] * 20, 90),  # beyond reach
        ([500] * 20, 90),  # within reach, and dearer than the start it saves
        ([110] * 8 + [4000] * 2, 132),
        ([110] * 2 + [4000] * 12, 90),  # two visits do not pay for twelve vain waits
    ],
)
def test_it_bridges_the_gaps_that_are_cheaper_than_a_cold_start(gaps: list[float], stays: float) -> None:
    assert idle_s(gaps, **TERMS) == pytest.approx(stays)


@pytest.mark.parametrize(
    ("gaps", "stays"),
    [
        ([15, 15, 15], 90),  # too few for a habit
        ([15, 15, 15, 15, 14_000] * 6, 25),  # one visit, then nobody for hours
        ([30, 30, 30, 30, 14_000] * 6, 36),  # the look at each picture is bridged, with a little to spare
        ([110] * 8, 132),
    ],
)
def test_where_it_may_be_short_it_bridges_the_gaps_within_a_visit_and_no_more(gaps: list[float], stays: float) -> None:
    assert idle_s(gaps, **TERMS | {"least_s": 25.0}) == pytest.approx(stays)


def test_what_the_bridge_bridges_is_not_worth_a_long_stay() -> None:
    spells = [15, 15, 15, 45, 14_000] * 2 + [15, 15, 15, 15, 14_000] * 8
    assert idle_s(spells, **TERMS | {"least_s": 20.0}) == 20
    often = [15, 15, 45, 45, 14_000] * 4
    assert idle_s(often, **TERMS | {"least_s": 20.0}) == pytest.approx(54)
    assert idle_s([15, 45, 14_000, 14_000] * 4, **TERMS | {"least_s": 20.0}) == pytest.approx(54)
    assert idle_s([15, 45, 14_000, 14_000] * 4, **TERMS | {"least_s": 20.0}, wait_s=5.0) == 20


@given(
    st.lists(st.floats(0, 1e5), max_size=40),
    st.floats(1, 90),
    st.floats(90, 200),
    st.floats(1, 1000),
    st.floats(0, 300),
)
@hypothesis_settings(max_examples=200, deadline=None)
def test_it_keeps_to_the_operators_bounds(
    gaps: list[float], least: float, usual: float, most: float, start: float
) -> None:
    stays = idle_s(gaps, least_s=least, usual_s=usual, most_s=most, start_s=start)
    assert least <= stays <= max(usual, most)


def sign(accepted_ms: int, rested_ms: int = 0) -> Heartbeat:
    return Heartbeat(
        worker="w",
        slot=0,
        epoch=1,
        state="busy",
        started_ms=0,
        beat_ms=NOW,
        last_job_ms=accepted_ms,
        rested_ms=rested_ms,
    )


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), max_size=300))
def test_history_keeps_the_newest_spells(seen: list[tuple[int, int]]) -> None:
    signs = [sign(NOW - accepted, NOW - rested) for accepted, rested in seen]
    history = noticed(Patience(), signs, now=NOW)
    assert len(history.quiet_s) <= min(KEPT, max(0, len(seen) - 1))
    assert all(spell > 5 for spell in history.quiet_s)
    assert noticed(history, signs, now=NOW) is history


def test_a_sign_from_the_future_is_a_broken_clocks() -> None:
    assert noticed(Patience(), [sign(NOW + 10**6)], now=NOW) == Patience()
    known = Patience(accepted_ms=NOW + 5)
    assert noticed(known, [sign(NOW)], now=NOW) is known


def test_a_spell_lasts_from_the_end_of_the_work_to_the_next_acceptance() -> None:
    """Neither the wait for a machine nor the work is quiet, however long the machine needed to come."""
    cold = noticed(Patience(), [sign(NOW)], now=NOW + 50_000)
    seen = noticed(cold, [sign(NOW, NOW + 52_000)], now=NOW + 53_000)
    assert seen.quiet_s == ()
    missed = noticed(seen, [sign(NOW + 92_000)], now=NOW + 140_000)
    assert missed.quiet_s == (40.0,)


def test_photos_that_come_while_one_is_in_work_end_no_spell() -> None:
    history = noticed(Patience(), [sign(NOW, NOW + 9_000)], now=NOW + 10_000)
    assert noticed(history, [sign(NOW + 8_000)], now=NOW + 10_000).quiet_s == ()


def test_a_row_of_the_last_release_is_read_and_learned_anew(ec2: World) -> None:
    ec2.ports.table.insert(Row(key=KEY, doc='{"arrivals_ms":[1,2],"idle_s":120.0}'))
    assert read_patience(ec2.ports.table) == Patience(idle_s=120.0, revision=1)


def test_the_tick_learns_from_heartbeats_and_tells_the_workers(ec2: World) -> None:
    launcher = ec2.launcher(idle_s=90.0, idle_most_s=300.0)
    launcher.ensure("view")
    for _ in range(8):
        ec2.clock.pass_s(110)
        show(ec2.ports, 1, "busy", last_job_ms=ec2.clock.ms)
        tick_once(ec2.ports, launcher)
        tick_once(ec2.ports, launcher)
    patience = read_patience(ec2.ports.table)
    assert patience.quiet_s == (110.0,) * 7
    assert patience.idle_s == pytest.approx(132)


def test_where_the_operator_wants_a_fixed_time_nothing_is_learned(ec2: World) -> None:
    launcher = ec2.launcher(idle_s=90.0, idle_most_s=0.0)
    show(ec2.ports, 1, "busy", last_job_ms=ec2.clock.ms)
    tick_once(ec2.ports, launcher)
    assert read_patience(ec2.ports.table) == Patience()


def test_warm_calls_are_no_arrivals(ec2: World) -> None:
    launcher = ec2.launcher(idle_s=90.0, idle_most_s=300.0)
    for _ in range(10):
        launcher.ensure("pick")
        show(ec2.ports, 1, "ready")
        ec2.clock.pass_s(100)
        tick_once(ec2.ports, launcher)
    assert read_patience(ec2.ports.table) == replace(Patience(), revision=0)
