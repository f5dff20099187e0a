"""`firstlight simulate`: what each policy costs and how long people wait, under a virtual clock."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jobs.errors import FirstlightError

if TYPE_CHECKING:
    from fleet.simulation.comparison import Row


@click.command()
@click.option(
    "--traces", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="recorded spot capacity and arrivals (spot/*.json of skypilot-org/spot-traces, arrivals/*.csv of Alibaba's "
    "cluster-trace-v2026-GenAI); without them, figures carried over from their tuning half",
)  # fmt: skip
@click.option("--half", type=click.Choice(["reporting", "tuning"]), default="reporting", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="worlds of each kind")
@click.option("--seed", default=1, show_default=True, help="number of the first one")
@click.option("--flavour", type=click.Choice(["gpu", "cpu"]), default="gpu", show_default=True)
@click.option("--only", multiple=True, help="only places whose name contains this, such as `month` or `10,000`")
@click.option("--quick", "length", flag_value="quick", help="three days at most, one world of each kind: half a minute")
@click.option("--full", "length", flag_value="full", help="all weeks of heavy traffic too: half an hour")
@click.option("--sources", is_flag=True, help="print every figure behind this, with its source, and end")
@click.option("--processes", type=click.IntRange(1), help="how many at once; the cores of this machine")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="write every row there")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="write every row there")
@click.option(
    "--plots", type=click.Path(file_okay=False, path_type=Path), help="draw cost against waiting into a folder"
)
def command(
    *,
    traces: Path | None,
    half: str,
    seeds: int,
    seed: int,
    flavour: str,
    only: tuple[str, ...],
    length: str | None,
    sources: bool,
    processes: int | None,
    csv_file: Path | None,
    json_file: Path | None,
    plots: Path | None,
) -> None:
    """Compare policies: the old system's, always on, launch on upload or view, a scaling group's, ours, an oracle's.

    Launcher, policy, ladder, budgets and stores are the service's own; EC2, workers and visitors are simulated. The
    same seed gives the same figures. The cost is the machines', with their addresses and disks; requests and the API's
    host are in `python -m bench.costs`.
    """
    for needed in ("boto3", *(["matplotlib"] if plots else [])):
        if find_spec(needed) is None:
            raise click.ClickException(f"{needed} is missing here; `make simulate` installs it")
    from fleet.simulation import charts, comparison, figures, plan  # noqa: PLC0415 — `--help` needs none of them

    if sources:
        for name, figure, source in figures.sourced(figures.Figures()):
            click.echo(f"{name:22} {figure:>12}  {source}")
        return
    comparison.hush()
    chosen = plan.Plan(
        traces=traces,
        half="tuning" if half == "tuning" else "reporting",
        seeds=tuple(range(seed, seed + (1 if length == "quick" else seeds))),
        flavour="cpu" if flavour == "cpu" else "gpu",
        most_photos=plan.LENGTHS[length or "usual"],
        only=only,
    )
    cases = plan.cases(chosen)
    if not cases:
        raise click.ClickException(f"no place is named so: {', '.join(place.name for place in plan.places(chosen))}")
    try:
        with click.progressbar(length=len(cases), label="Simulating", file=sys.stderr) as bar:
            outcomes = comparison.all_of(cases, processes=processes or comparison.cores(), told=partial(bar.update, 1))
    except FirstlightError as fact:
        raise click.ClickException(str(fact)) from fact
    rows = [
        comparison.Row.of(case, outcome)
        for case, outcome in zip(cases, outcomes, strict=True)
        if case.figures == figures.Figures()
    ]
    for line in (*comparison.table(rows), *plan.shown(cases, outcomes)):
        click.echo(line)
    _write(rows, csv_file=csv_file, json_file=json_file)
    for path in charts.draw(rows, plots) if plots else ():
        click.echo(path)


def _write(rows: Sequence[Row], *, csv_file: Path | None, json_file: Path | None) -> None:
    found = [asdict(row) for row in rows]
    if csv_file and found:
        with csv_file.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(found[0]))
            writer.writeheader()
            writer.writerows(found)
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")
