"""`firstlight doctor`: looks for what is wrong, changes nothing, and says what cures it."""

from __future__ import annotations

import json
import os
import textwrap
import time
from dataclasses import asdict

import click

from fleet.checkup import computer
from fleet.checkup.checks import CHECKS
from fleet.checkup.finding import Finding, error, status
from fleet.checkup.rounds import Check, Report, run
from fleet.checkup.world import open_world
from jobs.clock import now_ms
from jobs.settings import BadSetting, Settings

EDGE = 80
MARKS = {"error": ("✗", "red"), "warning": ("!", "yellow")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print one JSON object, for scripts")
def command(*, as_json: bool) -> None:
    """Look for what is wrong with this installation, and say what cures it. Nothing is changed or bought.

    Looks at this computer, the settings, the stores, and where they name AWS at credentials, quotas, the launch
    template and its image, machines nobody looks after, the clock; then at budgets, breakers, stuck photos and the
    tick. Ends with 0 when all is well, 1 when there are warnings, 2 when there are errors.
    """
    try:
        settings = Settings.read(os.environ)  # noqa: TID251 — an entry point
    except BadSetting as no:
        report = Report(findings=[_bad_setting(no)], made=["settings"])
    else:
        report = _checked(settings)
    (_tell_json if as_json else _tell)(report)
    raise click.exceptions.Exit(status(report.findings))


def _bad_setting(no: BadSetting) -> Finding:
    cure = "Correct it where you set it, or unset it for the default; README lists all settings."
    return error("bad_setting", f"The settings cannot be used: {no}.", cure)


def _checked(settings: Settings) -> Report:
    def here(_: object) -> list[Finding]:
        from cli.computer import this_computer  # noqa: PLC0415 — `--help` needs no decoder

        return computer.findings(this_computer(settings))

    world = open_world(settings, clock=now_ms, sleep=time.sleep)
    try:
        return run(world, [Check(name="computer", look=here), *CHECKS])
    finally:
        if world.ports is not None:
            world.ports.close()


def _tell_json(report: Report) -> None:
    findings = [asdict(each) for each in report.findings]
    told = {"status": status(report.findings), "findings": findings, "made": report.made, "left_out": report.left_out}
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


def _tell(report: Report) -> None:
    """Sentences; colours only on a terminal, as click sees to. A cure stays on one line, so that it can be copied."""
    for found in sorted(report.findings, key=lambda each: each.severity):
        mark, colour = MARKS[found.severity]
        click.secho(f"{mark} {found.code}", fg=colour, bold=True)
        for line in textwrap.wrap(found.says, EDGE - 2, break_on_hyphens=False, break_long_words=False):
            click.echo(f"  {line}")
        click.echo(f"  → {found.cure}\n")
    for why in dict.fromkeys(report.left_out.values()):
        names = ", ".join(name for name, said in report.left_out.items() if said == why)
        click.secho(f"Not looked at: {names} ({why}).", dim=True)
    many = len(report.findings)
    made = "1 check made" if len(report.made) == 1 else f"{len(report.made)} checks made"
    click.echo(f"{made}: {many} {'finding' if many == 1 else 'findings'}." if many else f"{made}: nothing is wrong.")
