"""`firstlight bench`: what this machine needs from upload to bright picture, and where the seconds go."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
from pathlib import Path

import click

from cli.settings import read_settings
from jobs.errors import FirstlightError


@click.group(invoke_without_command=True)
@click.option("--runs", type=click.IntRange(1), default=3, show_default=True, help="measurements of each kind")
@click.option(
    "--megapixels",
    type=click.FloatRange(0.1),
    default=4.0,
    show_default=True,
    help="output size for the networks alone",
)
@click.pass_context
def command(context: click.Context, runs: int, megapixels: float) -> None:
    """Measure upload → result for a 12 and a 24 MP JPEG, cold and warm, and the old network in the same run.

    Walls move with whatever else the machine does; compare the ratios of one run, not the seconds of two. With a
    command, measure that alone.
    """
    if context.invoked_subcommand is not None:
        return
    from bench import networks, passage  # noqa: PLC0415 — they load torch; `--help` needs none
    from bench.journey import journeys  # noqa: PLC0415

    settings = read_settings()
    click.echo(_here())
    click.echo("Upload to result, wall seconds    median     min     max")
    for journey in journeys(runs=runs, engine=settings.engine):
        photo, start, middle, least, most = journey.row
        click.echo(f"  {photo:8} {start:20} {middle:>9} {least:>7} {most:>7}")
    click.echo("\nIn a worker and on the command line                      median     min     max")
    for each in passage.measured(settings.engine, runs=runs):
        click.echo(each.line)
    click.echo("\nThe networks alone, CPU seconds per output megapixel     median     min     max  × less")
    measured = networks.measured(runs=runs, megapixels=megapixels)
    for contestant in measured:
        click.echo(contestant.line(measured[0].median))


@command.command("start", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def start(arguments: tuple[str, ...]) -> None:
    """Measure a worker's start, process to first result, beside the old worker's; `-h` tells its options."""
    from bench import starts  # noqa: PLC0415 — `--help` needs none

    raise click.exceptions.Exit(starts.main(list(arguments)))


@command.command("cold-start")
@click.option(
    "--runs",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="workers to start here, with a 12 MP photo each",
)
@click.option("--table", help="read a service's rows instead: `dynamodb://NAME` or `sqlite:FILE`, as its TABLE says")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="write the waterfall: .png or .svg")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="write the milestones as JSON")
def cold_start(*, runs: int, table: str | None, plot: Path | None, out: Path | None) -> None:
    """Show where the seconds of a cold start go, milestone by milestone, with the spread.

    `python -m bench.waterfall` draws the JSON of several runs, of ours or of others, in one picture.
    """
    from bench import cold_start, waterfall  # noqa: PLC0415 — `--help` needs none

    settings = read_settings()
    if table is None:
        click.echo(_here())
        entries = cold_start.entries(cold_start.measured(runs=runs, engine=settings.engine), where="this computer")
    else:
        if table.startswith("sqlite:") and not Path(table.partition(":")[2]).exists():
            raise click.ClickException(f"--table {table}: there is no such file")
        try:
            entries = cold_start.entries(cold_start.recorded(table), where=table)
        except FirstlightError as fact:
            raise click.ClickException(f"--table {table}: {fact}") from None
    if not entries:
        raise click.ClickException(f"{table} holds no cold start of the last week")
    shown = waterfall.panels(entries)
    click.echo(waterfall.table(shown))
    if out is not None:
        out.write_text(json.dumps(entries, indent=1))
    if plot is not None:
        waterfall.draw(shown, plot)
        click.echo(str(plot))


@command.command("bridge")
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="services to start for each figure")
def bridge(*, runs: int) -> None:
    """Measure the bridge (BRIDGE=1): first light while no machine comes, and what an upload beside it loses."""
    from bench import bridge  # noqa: PLC0415 — `--help` needs none

    click.echo(_here())
    click.echo("With FLEET=none:                                         median     min     max")
    for each in bridge.measured(runs=runs):
        click.echo(each.line)


def _here() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {cores} cores\n"
