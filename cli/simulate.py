"""`firstlight simulate`: what each policy costs and how long people wait, under a virtual clock."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.errors import FirstlightError

if TYPE_CHECKING:
    from fleet.simulation.comparison import Row
    from fleet.simulation.figures import Figures


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
@click.option("--policy", "policies", multiple=True, help="only policies of this name, such as `ours` or `oracle`")
@click.option("--idle", "idles", type=float, multiple=True, help="try ours with this fixed idle time, too, seconds")
@click.option(
    "--lookers",
    type=click.FloatRange(0, 0.99),
    default=0.0,
    show_default=True,
    help="share of page views that bring no photo",
)
@click.option("--figure", "figures_", multiple=True, help="another figure, such as `think_median_s=30`; see --sources")
@click.option("--sources", is_flag=True, help="print every figure behind this, with its source, and end")
@click.option("--processes", type=click.IntRange(1), help="how many at once; the cores of this machine")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="write every row there")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="write every row there")
@click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    help="draw cost against waiting, and where it goes, into a folder",
)
def command(
    *,
    traces: Path | None,
    half: str,
    seeds: int,
    seed: int,
    flavour: str,
    only: tuple[str, ...],
    policies: tuple[str, ...],
    idles: tuple[float, ...],
    lookers: float,
    figures_: tuple[str, ...],
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
    from fleet.simulation import charts, comparison, figures, plan, scenarios  # noqa: PLC0415 — `--help` needs none of them

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
        policies=policies,
        idles=idles,
        lookers=lookers,
        figures=_changed(figures.Figures(), figures_),
    )
    cases = plan.cases(chosen)
    if not cases:
        names = [place.name for place in plan.places(chosen)] + [each.name for each in scenarios.CONTESTANTS]
        raise click.ClickException(f"no place or policy is named so; there are: {', '.join(names)}")
    try:
        with click.progressbar(length=len(cases), label="Simulating", file=sys.stderr) as bar:
            outcomes = comparison.all_of(cases, processes=processes or comparison.cores(), told=partial(bar.update, 1))
    except FirstlightError as fact:
        raise click.ClickException(str(fact)) from fact
    rows = [
        comparison.Row.of(case, outcome)
        for case, outcome in zip(cases, outcomes, strict=True)
        if case.figures == chosen.figures
    ]
    for line in (*comparison.table(rows), *plan.shown(chosen, cases, outcomes)):
        click.echo(line)
    _write(rows, csv_file=csv_file, json_file=json_file)
    for path in charts.draw(rows, plots) if plots else ():
        click.echo(path)


def _changed(known: Figures, changes: Sequence[str]) -> Figures:
    """These figures with some of them changed, each given as NAME=NUMBER."""
    for each in changes:
        name, _, figure = each.partition("=")
        if not isinstance(getattr(known, name, None), float | int):
            raise click.ClickException(
                f"no single figure is named {name!r}: `firstlight simulate --sources` lists them"
            )
        try:
            known = replace(known, **{name: float(figure)})  # type: ignore[arg-type]
        except ValueError as error:
            raise click.ClickException(f"{each!r} is not NAME=NUMBER") from error
    return known


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A column for each purpose of the spending, dollars per 1,000 photos."""
    return row | {f"usd_{purpose}": usd for purpose, usd in row.pop("spending").items()}


def _write(rows: Sequence[Row], *, csv_file: Path | None, json_file: Path | None) -> None:
    found = [_flat(asdict(row)) for row in rows]
    if csv_file and found:
        with csv_file.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(found[0]))
            writer.writeheader()
            writer.writerows(found)
    if json_file:
        json_file.write_text(json.dumps(found, indent=1) + "\n")
