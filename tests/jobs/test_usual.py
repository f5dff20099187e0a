"""How long phases usually take: measured, kept a while, and added up for those who wait."""

from __future__ import annotations

import json

import pytest

from jobs.table import JobTable, Row
from jobs.usual import BRIDGE, ENOUGH, KEPT, KEY, eta_s, measured, phase_s, record, usual

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
    record(table, {"decoding": 2.0, "fetching": 3.0}, flavour="torch", megapixels=10)
    assert usual(table) == {"decoding": 0.2, "fetching": 3.0}
    assert phase_s(usual(table), "decoding", megapixels=24) == pytest.approx(4.8)
    assert phase_s(usual(table), "fetching", megapixels=24) == 3.0


def test_the_usual_is_the_median_of_the_newest(table: JobTable) -> None:
    for seconds in (1.0, 100.0, 2.0):
        record(table, {"storing": seconds}, flavour="torch")
    assert usual(table) == {"storing": 2.0}
    for _ in range(KEPT):
        record(table, {"storing": 7.0}, flavour="torch")
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


@pytest.mark.parametrize(
    "doc",
    ["nothing", "5", "[]", '{"v": 2}', '{"v": 2, "latest": "x", "flavours": {"x": {"storing": ["long"]}}}',
     '{"v": 2, "latest": "x", "flavours": {"x": {"storing": [NaN]}}}', '{"storing": 7}'],
)  # fmt: skip
def test_what_cannot_be_read_stops_nobody_and_is_measured_anew(table: JobTable, doc: str) -> None:
    table.insert(Row(key=KEY, doc=doc))
    assert usual(table) == {}
    record(table, {"storing": 2.0}, flavour="torch")
    assert usual(table) == {"storing": 2.0}


@pytest.mark.parametrize("phase", ["waiting_for_capacity", "machine_failing", "no_worker"])
def test_a_wait_that_nobody_can_measure_has_no_estimate(phase) -> None:
    assert eta_s(USUAL, phase=phase, phase_for_s=0, megapixels=10) is None


def test_there_is_no_estimate_while_a_phase_to_come_was_never_measured() -> None:
    known = {phase: length for phase, length in USUAL.items() if phase != "encoding"}
    assert eta_s(known, phase="decoding", phase_for_s=0, megapixels=10) is None
    assert eta_s(known, phase="storing", phase_for_s=0, megapixels=10) == pytest.approx(1.0)


def test_a_phase_that_outlasts_its_usual_length_counts_what_is_left_of_a_slow_one() -> None:
    def left(for_s: float) -> float | None:
        return eta_s({"storing": 1.0}, phase="storing", phase_for_s=for_s, megapixels=10, slowly={"storing": 3.0})

    assert left(0.25) == pytest.approx(0.75)
    assert left(1.5) == pytest.approx(1.5)
    assert left(4.0) == 0.0


def test_each_flavour_has_its_own_usual_and_the_latest_machine_says_what_to_expect(table: JobTable) -> None:
    record(table, {"loading_model": 9.0}, flavour="torch default")
    record(table, {"loading_model": 2.0}, flavour="openvino default")
    assert usual(table) == {"loading_model": 2.0}
    assert measured(table).usual("torch default") == {"loading_model": 9.0}
    assert measured(table).usual("torch fine") == {}


def test_the_bridge_says_nothing_of_the_next_machine(table: JobTable) -> None:
    record(table, {"loading_model": 9.0}, flavour="torch default")
    record(table, {"loading_model": 1.0, "enhancing": 24.0}, flavour=BRIDGE, megapixels=12)
    assert usual(table) == {"loading_model": 9.0}
    assert measured(table).usual(BRIDGE) == {"loading_model": 1.0, "enhancing": 2.0}


def test_slow_is_the_ninth_tenth_and_unknown_after_a_few(table: JobTable) -> None:
    for seconds in range(1, ENOUGH):
        record(table, {"storing": float(seconds)}, flavour="torch")
    assert measured(table).slow() == {}
    for seconds in range(ENOUGH, 12):
        record(table, {"storing": float(seconds)}, flavour="torch")
    assert measured(table).slow() == {"storing": pytest.approx(10.0)}


def test_what_the_last_release_measured_counts_until_a_machine_tells_more(table: JobTable) -> None:
    table.insert(Row(key=KEY, doc=json.dumps({"storing": [1.0, 3.0, 2.0]})))
    assert usual(table) == {"storing": 2.0}
    record(table, {"loading_model": 4.0}, flavour="torch default")
    assert usual(table) == {"loading_model": 4.0}
