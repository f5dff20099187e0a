"""What the simulation is told and tells: figures, recordings, tables, pictures, the command."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from cli.simulate import command
from fleet.simulation.comparison import Row, all_of, repriced, table
from fleet.simulation.figures import Figures, Phase, sourced
from fleet.simulation.outcome import Life, quantile
from fleet.simulation.plan import Plan, cases
from fleet.simulation.scenarios import ON_UPLOAD, ORACLE, OURS, Case, stretched
from fleet.simulation.spending import PURPOSES, Spending, spent
from fleet.simulation.traces import TraceUnreadable, recorded_capacity, recorded_profile
from fleet.simulation.visits import FLAT, Profile
from tests.fleet.worlds import NAMED, TINY, played

pytestmark = pytest.mark.usefixtures("hushed")


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


def test_prices_and_boots_can_be_stretched() -> None:
    figures = stretched(Figures(), boots=1.5, prices=0.5)
    assert figures.gpu_kernel == Phase(floor=19.5, typical=30.0)
    assert (figures.old_boot_most_s, figures.gpu_spot_hour) == (180.0, pytest.approx(0.1325))
    case = Case(place=TINY, contestant=NAMED[OURS], seed=1)
    cheaper = repriced(played(OURS), Figures(), case, spot=0.5)
    assert cheaper.usd < played(OURS).usd
    assert cheaper.waits_s == played(OURS).waits_s


def lived(**times_s: float) -> Life:
    ms = {f"{name}_ms": round(at_s * 1000) for name, at_s in times_s.items()}
    return Life(launched_ms=0, **ms, worked_s=3.0, market="spot", usd_per_hour=3.6, least_s=60.0)


def test_each_second_of_a_life_has_one_purpose() -> None:
    served = spent([lived(ready=40, first=45, last=70, left=100, ended=105)])
    assert [round(getattr(served, purpose) * 1000) for purpose in PURPOSES] == [40, 5, 3, 22, 30, 5, 0, 0, 0]
    unused = spent([lived(ready=40, ended=50)])
    assert (unused.for_nobody, unused.minimum) == (pytest.approx(0.05), pytest.approx(0.01))


def test_the_full_price_is_told_apart_from_what_spot_would_have_cost() -> None:
    life = lived(ready=40, first=45, last=70, left=100, ended=105)
    dear = spent([replace(life, market="on-demand", usd_per_hour=7.2, spot_per_hour=3.6)])
    assert dear.on_demand == pytest.approx(0.105)
    assert dear.usd == pytest.approx(0.21)


@pytest.mark.parametrize("name", NAMED)
def test_the_purposes_sum_up_to_the_cost(name: str) -> None:
    outcome = played(name)
    spending = spent(outcome.lives)
    assert spending.usd == pytest.approx(outcome.usd)
    assert min(getattr(spending, each.name) for each in fields(Spending)) > -1e-9
    assert spending.working > 0


def test_a_plan_holds_what_was_asked_for() -> None:
    plan = Plan(
        traces=None,
        half="tuning",
        seeds=(1,),
        policies=(OURS, "ours, IDLE_S=40"),
        idles=(40.0,),
        lookers=0.5,
        only=("month",),
        figures=replace(Figures(), think_median_s=30.0),
    )
    found = [case for case in cases(plan) if case.figures == plan.figures]
    assert [(each.contestant.name, each.contestant.idle_s) for each in found] == [(OURS, None), ("ours, IDLE_S=40", 40)]
    assert {each.place.crowd.lookers for each in found} == {0.5}


def test_a_table_holds_a_line_for_each_policy() -> None:
    case = Case(place=TINY, contestant=NAMED[OURS], seed=1)
    rows = [Row.of(replace(case, seed=seed), played(OURS, seed)) for seed in (1, 2)]
    lines = list(table(rows))
    assert "mean of 2 seeds" in lines[0]
    assert sum(line.startswith("| ours |") for line in lines) == 2  # what it costs, and where that goes


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
    assert (tmp_path / "plots" / "simulation-1.png").stat().st_size > 1000


def test_the_command_names_the_cure(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command, ["--only", "nowhere"])
    assert ran.exit_code == 1
    assert "10,000 photos an hour" in ran.output
    ran = CliRunner().invoke(command, ["--quick", "--only", "month", "--processes", "1", "--traces", str(tmp_path)])
    assert ran.exit_code == 1
    assert "give the folder of" in ran.output
    assert "nngroup.com" in CliRunner().invoke(command, ["--sources"]).output
    for figure, cure in (
        ("weather=3", "--sources"),
        ("gpu_kernel=3", "--sources"),
        ("think_median_s=x", "NAME=NUMBER"),
    ):
        ran = CliRunner().invoke(command, ["--quick", "--figure", figure])
        assert ran.exit_code == 1
        assert cure in ran.output
