"""The oracle: what any policy must cost at least."""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random

import pytest

from fleet.simulation.oracle import Span, foretold, lives, machines
from fleet.simulation.scenarios import ORACLE
from tests.fleet.worlds import ALWAYS, NAMED, fixed, govern, visit, world

pytestmark = pytest.mark.usefixtures("hushed")


def test_the_oracle_keeps_a_machine_where_that_is_cheaper_than_a_start() -> None:
    figures = fixed()
    near = foretold([visit(0, between_s=50.0, work_s=10.0)], figures, "gpu", most=1, seed="o")
    far = foretold([visit(0, between_s=70.0, work_s=10.0)], figures, "gpu", most=1, seed="o")
    assert (len(near.lives), len(far.lives)) == (1, 2)
    assert near.waits_s == far.waits_s == (10.5, 10.5)
    assert near.lives[0].billed_s == pytest.approx(50 + 10 + 50 + 10 + 5)


def billed_s(work: list[Span], boots_s: list[float], cuts: list[tuple[int, int]]) -> float:
    return sum(max(60.0, boots_s[first] + work[done - 1].end_s + 5.0 - work[first].begin_s) for first, done in cuts)


def test_the_oracles_lives_are_the_cheapest_of_all_ways_to_cut() -> None:
    chance = Random(3)
    for _ in range(30):
        crowd = [visit(each, photos=1) for each in sorted(chance.uniform(0, 900) for _ in range(7))]
        [work] = machines(crowd, most=1)
        boots_s = [chance.uniform(20, 80) for _ in work]
        ways = (cut for size in range(len(work)) for cut in combinations(range(1, len(work)), size))
        costs = [billed_s(work, boots_s, list(pairwise([0, *cut, len(work)]))) for cut in ways]
        found = lives(work, boots_s=boots_s, end_s=5.0, least_s=60.0)
        assert billed_s(work, boots_s, found) == pytest.approx(min(costs))


@pytest.mark.parametrize("name", [name for name in NAMED if name != ORACLE])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_beats_the_oracle_at_its_own_wait(name: str, seed: int) -> None:
    """Who is cheaper lets people wait for it; who lets nobody wait pays more."""
    chance = Random(seed)
    crowd = [visit(1000 * number + chance.uniform(0, 300), photos=chance.randint(1, 3)) for number in range(6)]
    contestant = NAMED[name]
    outcome = world(crowd, [ALWAYS], contestant=contestant).play(lambda made: govern(made, contestant))
    best = foretold(crowd, fixed(), "gpu", most=1, seed="o")
    assert len(outcome.waits_s) == len(best.waits_s)
    assert sum(outcome.waits_s) >= sum(best.waits_s) - 0.01
    if sum(outcome.waits_s) <= sum(best.waits_s) + 0.01:
        assert outcome.usd >= best.usd
    assert contestant.bridged or outcome.usd >= best.usd * 0.99
