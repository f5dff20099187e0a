"""Never more machines than allowed, and none left behind, whatever races, sleeps, dies or gets lost."""

from __future__ import annotations

import logging

import pytest

from tests.fleet.races import race

SEEDS = 1000
PART = 30  # what the quick suite plays; `make test-all` plays them all


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)  # bad weather has much to say


def played(seeds: range) -> None:
    total = 0
    for seed in seeds:
        seen = race(seed)
        assert seen.most_in_a_slot <= 1, f"seed {seed}: two machines in a slot"
        assert seen.most_live <= 2, f"seed {seed}: {seen.most_live} machines"
        assert seen.left_behind == 0, f"seed {seed}: {seen.left_behind} machines are left behind"
        total += seen.launched
    assert total > len(seeds)


def test_of_launchers_that_race_in_bad_weather_each_slot_gets_one_machine_at_a_time() -> None:
    played(range(PART))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_of_launchers_that_race_a_thousand_times_each_slot_gets_one_machine_at_a_time() -> None:
    played(range(PART, SEEDS))
