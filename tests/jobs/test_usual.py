"""How long phases usually take: measured, kept a while, and added up for those who wait."""

from __future__ import annotations

import pytest

from jobs.table import JobTable
from jobs.usual import KEPT, eta_s, phase_s, record, usual

USUAL = {
    "starting_machine": 10.0,
    "loading_model": 5.0,
    "fetching": 1.0,
    "decoding": 0.1,
    "enhancing": 0.5,
    "encoding": 0.1,
    "storing": 1.0,
}
WORK_S = 1 + 10 * (0.1 + 0.5 + 0.1) + 1  # of ten megapixels


def test_nothing_is_usual_before_it_was_measured(table: JobTable) -> None:
    assert usual(table) == {}
    assert phase_s({}, "decoding", megapixels=10) is None


def test_the_photos_own_phases_count_per_megapixel(table: JobTable) -> None:
    record(table, {"decoding": 2.0, "fetching": 3.0}, megapixels=10)
    assert usual(table) == {"decoding": 0.2, "fetching": 3.0}
    assert phase_s(usual(table), "decoding", megapixels=24) == pytest.approx(4.8)
    assert phase_s(usual(table), "fetching", megapixels=24) == 3.0


def test_the_usual_is_the_median_of_the_newest(table: JobTable) -> None:
    for seconds in (1.0, 100.0, 2.0):
        record(table, {"storing": seconds})
    assert usual(table) == {"storing": 2.0}
    for _ in range(KEPT):
        record(table, {"storing": 7.0})
    assert usual(table) == {"storing": 7.0}


def test_the_time_left_is_what_remains_of_this_phase_and_all_that_follow() -> None:
    def left(phase, phase_for_s: float = 0.0, ahead: int = 0) -> float | None:
        return eta_s(USUAL, phase=phase, phase_for_s=phase_for_s, megapixels=10, ahead=ahead)

    assert left("storing") == pytest.approx(1.0)
    assert left("storing", 0.4) == pytest.approx(0.6)
    assert left("storing", 9) == 0.0
    assert left("fetching") == pytest.approx(WORK_S)
    assert left("in_line", 100) == pytest.approx(WORK_S)
    assert left("in_line", ahead=3) == pytest.approx(4 * WORK_S)
    assert left("loading_model", 2) == pytest.approx(3 + WORK_S)
    assert left("starting_machine", 4, ahead=1) == pytest.approx(6 + 5 + 2 * WORK_S)


@pytest.mark.parametrize("phase", ["waiting_for_capacity", "machine_failing", "no_worker"])
def test_a_wait_that_nobody_can_measure_has_no_estimate(phase) -> None:
    assert eta_s(USUAL, phase=phase, phase_for_s=0, megapixels=10) is None


def test_there_is_no_estimate_while_a_phase_to_come_was_never_measured() -> None:
    known = {phase: length for phase, length in USUAL.items() if phase != "encoding"}
    assert eta_s(known, phase="decoding", phase_for_s=0, megapixels=10) is None
    assert eta_s(known, phase="storing", phase_for_s=0, megapixels=10) == pytest.approx(1.0)
