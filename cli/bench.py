"""`firstlight bench`: what this machine needs from upload to bright picture, beside the network of 2021."""

from __future__ import annotations

import datetime as dt
import os
import platform

import click

from cli.settings import read_settings


@click.command()
@click.option("--runs", default=3, show_default=True, help="measurements of each kind")
@click.option("--megapixels", default=4.0, show_default=True, help="output size for the networks alone")
def command(runs: int, megapixels: float) -> None:
    """Measure upload → result for a 12 and a 24 MP JPEG, cold and warm, and the old network in the same run.

    Walls move with whatever else the machine does; compare the ratios of one run, not the seconds of two.
    """
    from bench import networks, passage  # noqa: PLC0415 — they load torch; `--help` needs none
    from bench.journey import journeys  # noqa: PLC0415

    settings = read_settings()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    click.echo(f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {cores} cores\n")
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
