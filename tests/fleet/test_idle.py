"""How long a machine stays idle, by when photos came."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fleet.idle import KEPT, gaps_s, idle_s, noticed
from fleet.tick import tick_once
from jobs.patience import Patience, read_patience
from tests.fleet.regions import World
from tests.fleet.signs import show

NOW = 1_800_000_000_000
TERMS = {"least_s": 90.0, "most_s": 600.0, "start_s": 30.0}


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


@given(st.lists(st.floats(0, 1e5), max_size=40), st.floats(1, 200), st.floats(1, 1000), st.floats(0, 300))
@hypothesis_settings(max_examples=200, deadline=None)
def test_it_keeps_to_the_operators_bounds(gaps: list[float], least: float, most: float, start: float) -> None:
    stays = idle_s(gaps, least_s=least, most_s=most, start_s=start)
    assert least <= stays <= max(least, most)


@given(st.lists(st.integers(0, 10**7), max_size=100))
def test_history_keeps_the_newest_arrivals_in_order(seen: list[int]) -> None:
    history = noticed(Patience(), [NOW - each for each in seen], now=NOW)
    assert list(history.arrivals_ms) == sorted(history.arrivals_ms)
    assert len(history.arrivals_ms) <= KEPT
    assert all(gap > 5 for gap in gaps_s(history))
    assert noticed(history, history.arrivals_ms, now=NOW) is history


def test_an_arrival_in_the_future_is_a_broken_clocks() -> None:
    assert noticed(Patience(), [NOW + 10**6], now=NOW) == Patience()
    assert noticed(Patience(arrivals_ms=(NOW + 5,)), [NOW], now=NOW).arrivals_ms == (NOW,)


def test_the_tick_learns_from_heartbeats_and_tells_the_workers(ec2: World) -> None:
    launcher = ec2.launcher(idle_s=90.0, idle_most_s=300.0)
    launcher.ensure("view")
    for _ in range(8):
        ec2.clock.pass_s(110)
        show(ec2.ports, 1, "busy", last_job_ms=ec2.clock.ms)
        tick_once(ec2.ports, launcher)
        tick_once(ec2.ports, launcher)
    patience = read_patience(ec2.ports.table)
    assert gaps_s(patience) == [110] * 7
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
