"""The simulation: its clock, its accounts, what it may never lose, and what must be shown of our policy."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from cli.simulate import command
from fleet.instance_types import usd_per_hour
from fleet.simulation.agenda import Agenda
from fleet.simulation.comparison import Row, all_of, ratios, repriced, table
from fleet.simulation.figures import Figures, Phase, sourced
from fleet.simulation.oracle import foretold, lives, machines
from fleet.simulation.outcome import Life, Outcome, quantile
from fleet.simulation.scenarios import (
    BRIDGED,
    CONTESTANTS,
    MONTH,
    OLD,
    ON_UPLOAD,
    ORACLE,
    OURS,
    START_MS,
    Case,
    Contestant,
    Place,
    simulate,
    stretched,
    visits_of,
)
from fleet.simulation.traces import Capacity, TraceUnreadable, recorded_capacity, recorded_profile
from fleet.simulation.visits import FLAT, Crowd, Profile, Visit
from fleet.simulation.world import World

NAMED = {each.name: each for each in CONTESTANTS}
TINY = Place(name="eight hours", crowd=Crowd(photos_an_hour=4, days=8 / 24), steady=True)
HOUR_S = 3600


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """A launcher without capacity says so at every try; the command hushes it for the life of its process."""
    loggers = [logging.getLogger(name) for name in ("fleet", "jobs")]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)


@cache
def played(name: str, seed: int = 1, place: Place = TINY) -> Outcome:
    return simulate(Case(place=place, contestant=NAMED[name], seed=seed))


def fixed(*, boot_s: float = 50.0) -> Figures:
    """A world in which every boot takes as long as every other."""
    nothing = Phase(floor=0.0, typical=0.0)
    names = [name for name in Figures.__dataclass_fields__ if isinstance(getattr(Figures(), name), Phase)]
    return replace(Figures(), **dict.fromkeys(names, nothing) | {"gpu_kernel": Phase(floor=boot_s, typical=boot_s)})


def visit(
    at_s: float, *, photos: int = 2, think_s: float = 20.0, between_s: float = 15.0, work_s: float = 1.0
) -> Visit:
    return Visit(
        view_ms=START_MS + round(at_s * 1000),
        think_s=think_s,
        transfer_s=(2.0,) * photos,
        work_s=(work_s,) * photos,
        between_s=(between_s,) * max(0, photos - 1),
    )


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


def seed_of(place: Place, seed: int = 1) -> str:
    return f"{place.name}/{place.flavour}/reporting/{seed}"


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
    assert all(life.usd_per_hour == pytest.approx(0.265 + 0.005 + 0.00175) for life in spot)


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


def world(
    visits: list[Visit], capacities: list[Capacity], *, contestant: Contestant = NAMED[OURS], **settings: object
) -> World:
    from fleet.simulation import scenarios

    case = Case(place=replace(TINY, crowd=Crowd(photos_an_hour=1, days=0.1)), contestant=contestant, seed=1)
    return World(
        settings=replace(scenarios._settings(case), **settings),
        flavour="gpu",
        figures=fixed(),
        visits=visits,
        capacities=capacities,
        start_ms=START_MS,
        span_s=8640.0,
        seed="w",
        bridged=contestant.bridged,
    )


def govern(made: World, contestant: Contestant = NAMED[OURS]):
    from fleet.simulation import scenarios

    return scenarios._governor(Case(place=TINY, contestant=contestant, seed=1), made)


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
    never = Capacity(zone="a", step_s=60.0, there=(False,) * 160)
    paid = world([visit(10)], [never], on_demand_budget=1).play(govern)
    assert [life.market for life in paid.lives] == ["on-demand"]
    assert paid.lives[0].usd_per_hour == pytest.approx(usd_per_hour("g4dn.xlarge", "on-demand") + 0.00675)
    later = Capacity(zone="a", step_s=60.0, there=(*(False,) * 30, *(True,) * 130))
    waited = world([visit(10)], [later], on_demand_budget=0).play(govern)
    assert [life.market for life in waited.lives] == ["spot"]
    assert waited.waits_s[0] > 1800
    assert waited.unfinished == 0


def test_a_photo_that_no_machine_ever_comes_for_meets_its_deadline() -> None:
    never = Capacity(zone="a", step_s=60.0, there=(False,) * 160)
    outcome = world([visit(10, photos=1)], [never], on_demand_budget=0).play(govern)
    assert (outcome.failed, outcome.unfinished, outcome.waits_s, outcome.lives) == (1, 0, (), ())


# The policies.


def test_a_view_lets_boot_and_thought_overlap() -> None:
    always = [Capacity(zone="a", step_s=60.0, there=(True,) * 160)]
    wait_s = {
        name: world([visit(10, think_s=20.0)], always, contestant=NAMED[name])
        .play(lambda made, name=name: govern(made, NAMED[name]))
        .waits_s[0]
        for name in (OURS, ON_UPLOAD, BRIDGED)
    }
    assert wait_s[OURS] == pytest.approx(wait_s[ON_UPLOAD] - 20, abs=1)
    assert wait_s[BRIDGED] < 9


def test_a_scaling_group_sees_work_after_its_periods_and_rests_after_its_quarter_of_an_hour() -> None:
    always = [Capacity(zone="a", step_s=60.0, there=(True,) * 160)]
    contestant = NAMED["scaling group"]
    outcome = world([visit(10)], always, contestant=contestant).play(lambda made: govern(made, contestant))
    assert 120 + 50 < outcome.waits_s[0] < 240 + 60
    [life] = outcome.lives
    assert life.billed_s >= 15 * 60


# The oracle.


def test_the_oracle_keeps_a_machine_where_that_is_cheaper_than_a_start() -> None:
    figures = fixed()
    near = foretold([visit(0, between_s=50.0, work_s=10.0)], figures, "gpu", most=1, seed="o")
    far = foretold([visit(0, between_s=70.0, work_s=10.0)], figures, "gpu", most=1, seed="o")
    assert (len(near.lives), len(far.lives)) == (1, 2)
    assert near.waits_s == far.waits_s == (10.5, 10.5)
    assert near.lives[0].billed_s == pytest.approx(50 + 10 + 50 + 10 + 5)


def test_the_oracles_lives_are_the_cheapest_of_all_ways_to_cut() -> None:
    chance = Random(3)
    for _ in range(30):
        crowd = [visit(each, photos=1) for each in sorted(chance.uniform(0, 900) for _ in range(7))]
        [work] = machines(crowd, most=1)
        boots_s = [chance.uniform(20, 80) for _ in work]
        found = sum(max(60.0, end - begin) for begin, end in lives(work, boots_s=boots_s, end_s=5.0, least_s=60.0))
        ways = (cut for size in range(len(work)) for cut in combinations(range(1, len(work)), size))
        costs = []
        for cut in ways:
            edges = [0, *cut, len(work)]
            costs.append(
                sum(
                    max(60.0, boots_s[first] + work[last - 1].end_s + 5.0 - work[first].begin_s)
                    for first, last in pairwise(edges)
                )
            )
        assert found == pytest.approx(min(costs))


@pytest.mark.parametrize("name", [name for name in NAMED if name != ORACLE])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_beats_the_oracle_at_its_own_wait(name: str, seed: int) -> None:
    """Who is cheaper lets people wait for it; who lets nobody wait pays more."""
    chance = Random(seed)
    crowd = [visit(1000 * number + chance.uniform(0, 300), photos=chance.randint(1, 3)) for number in range(6)]
    always = [Capacity(zone="a", step_s=60.0, there=(True,) * 160)]
    contestant = NAMED[name]
    outcome = world(crowd, always, contestant=contestant).play(lambda made: govern(made, contestant))
    best = foretold(crowd, fixed(), "gpu", most=1, seed="o")
    assert len(outcome.waits_s) == len(best.waits_s)
    assert sum(outcome.waits_s) >= sum(best.waits_s) - 0.01
    if sum(outcome.waits_s) <= sum(best.waits_s) + 0.01:
        assert outcome.usd >= best.usd
    assert contestant.bridged or outcome.usd >= best.usd * 0.99


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


def test_prices_and_boots_can_be_stretched() -> None:
    figures = stretched(Figures(), boots=1.5, prices=0.5)
    assert figures.gpu_kernel == Phase(floor=19.5, typical=30.0)
    assert (figures.old_boot_most_s, figures.gpu_spot_hour) == (180.0, pytest.approx(0.1325))
    case = Case(place=TINY, contestant=NAMED[OURS], seed=1)
    cheaper = repriced(played(OURS), Figures(), case, spot=0.5)
    assert cheaper.usd < played(OURS).usd
    assert cheaper.waits_s == played(OURS).waits_s


# Figures, traces and the report.


def test_every_figure_has_a_source() -> None:
    assert len(sourced(Figures())) > 30
    assert all(len(source) > 15 for _, _, source in sourced(Figures()))


def test_a_profile_says_when_people_come() -> None:
    times = Profile(bin_s=100.0, weights=(0.0, 1.0)).times(0.5, span_s=2000.0, chance=Random(1))
    assert 850 < len(times) < 1150
    assert all(int(at_s / 100) % 2 == 1 for at_s in times)
    assert FLAT.times(0.1, span_s=100.0, chance=Random(1)) == FLAT.times(0.1, span_s=100.0, chance=Random(1))


def recorded(folder: Path) -> Path:
    (folder / "spot").mkdir()
    (folder / "arrivals").mkdir()
    trace = {"metadata": {"gap_seconds": 60}, "data": [1, 1, 0, 0, 2, 2, 2, 2]}
    (folder / "spot" / "v100-2023-02-15-us-east-1a.json").write_text(json.dumps(trace))
    rows = ["gmt_create,groupId"]
    rows += [f"2024-11-15 {hour:02}:00:{second:02},G{hour}" for hour in (1, 2, 9, 10) for second in (0, 30)]
    (folder / "arrivals" / "a.csv").write_text("\n".join(rows))
    return folder


def test_recordings_are_cut_in_the_middle_of_their_time(tmp_path: Path) -> None:
    recorded(tmp_path)
    [tuning] = recorded_capacity(tmp_path, "gpu", "tuning")
    [reporting] = recorded_capacity(tmp_path, "gpu", "reporting")
    assert (tuning.there, reporting.there) == ((True, True, False, False), (True,) * 4)
    assert tuning.changes(span_s=300.0) == [(0.0, True), (120.0, False), (240.0, True)]
    assert tuning.changes(span_s=100.0, shift_s=120.0) == [(0.0, False)]
    assert sum(recorded_profile(tmp_path, "tuning").weights) == 2


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"metadata": {"gap_seconds": 1}}'])
def test_a_folder_without_traces_is_told_what_it_lacks(tmp_path: Path, text: str) -> None:
    with pytest.raises(TraceUnreadable, match="spot-traces"):
        recorded_capacity(tmp_path, "gpu", "tuning")
    with pytest.raises(TraceUnreadable, match="Alibaba"):
        recorded_profile(tmp_path, "tuning")
    (tmp_path / "spot").mkdir()
    (tmp_path / "spot" / "v100-a.json").write_text(text)
    with pytest.raises(TraceUnreadable, match="gap_seconds"):
        recorded_capacity(tmp_path, "gpu", "tuning")


def test_quantiles_are_waits_that_somebody_had() -> None:
    assert [quantile([3.0, 1.0, 2.0, 4.0], share) for share in (0.01, 0.5, 0.9, 1.0)] == [1.0, 2.0, 4.0, 4.0]


def test_a_table_holds_a_line_for_each_policy() -> None:
    case = Case(place=TINY, contestant=NAMED[OURS], seed=1)
    rows = [Row.of(replace(case, seed=seed), played(OURS, seed)) for seed in (1, 2)]
    lines = list(table(rows))
    assert "mean of 2 seeds" in lines[0]
    assert sum(line.startswith("| ours |") for line in lines) == 1


def test_several_processes_find_what_one_finds() -> None:
    cases = [Case(place=TINY, contestant=NAMED[name], seed=1) for name in (ORACLE, ON_UPLOAD)]
    told: list[int] = []
    assert all_of(cases, processes=2, told=lambda: told.append(1)) == [played(ORACLE), played(ON_UPLOAD)]
    assert len(told) == 2


def test_the_command_prints_draws_and_writes_a_quick_run(tmp_path: Path) -> None:
    options = [
        "--quick",
        "--only",
        "month",
        "--processes",
        "1",
        "--csv",
        f"{tmp_path}/a.csv",
        "--json",
        f"{tmp_path}/a.json",
    ]
    ran = CliRunner().invoke(command, [*options, "--plots", str(tmp_path / "plots")])
    assert ran.exit_code == 0, ran.output
    assert "| oracle |" in ran.output
    assert "goal 0.6" in ran.output
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["policy"] for row in rows} == set(NAMED)
    assert len(json.loads((tmp_path / "a.json").read_text())) == len(rows)
    assert (tmp_path / "plots" / "simulation-1.svg").stat().st_size > 1000


def test_the_command_names_the_cure(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, ["--only", "nowhere"])
    assert ran.exit_code == 1
    assert "10,000 photos an hour" in ran.output
    ran = CliRunner().invoke(command, ["--quick", "--only", "month", "--processes", "1", "--traces", str(tmp_path)])
    assert ran.exit_code == 1
    assert "give the folder of" in ran.output
    assert "nngroup.com" in CliRunner().invoke(command, ["--sources"]).output
