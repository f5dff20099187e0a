"""The check-up as a whole: each check in its turn; one that cannot be made is told, and the others go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Forbidden, naming_permission
from fleet.checkup.world import World, is_aws
from jobs.clients import Declined
from jobs.errors import StoreBusy

Look = Callable[[World], Sequence[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`cloud` names the settings of which one must be AWS's. `needs` are checks without whose success it says nothing;
    `service` is whose permissions a refusal is about, where a port asks.
    """

    name: str
    look: Look
    cloud: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    service: str = "dynamodb"


@dataclass(slots=True, kw_only=True)
class Report:
    """What was found, which checks were made, and why the others were not."""

    findings: list[Finding] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def run(world: World, checks: Sequence[Check]) -> Report:
    """Every check that applies, in order."""
    report = Report()
    failed: set[str] = set()
    lacking: dict[str, list[str]] = {}
    for check in checks:
        why = _left_out(check, world, failed)
        if why:
            report.left_out[check.name] = why
            continue
        try:
            found = _made(check, world)
        except Forbidden as no:
            lacking.setdefault(no.permission, []).append(check.name)
            continue
        if any(each.severity == "error" for each in found):
            failed.add(check.name)
        report.findings += found
        report.made.append(check.name)
    report.findings += [_not_permitted(permission, names) for permission, names in lacking.items()]
    return report


def _not_permitted(permission: str, names: list[str]) -> Finding:
    listed = ", ".join(f"`{name}`" for name in names)
    checks = "check" if len(names) == 1 else "checks"
    return warning(
        "not_permitted",
        f"The {checks} {listed} could not be made: the AWS identity lacks {permission}.",
        f"Allow {permission} to this identity (policies: deploy/), or ask as somebody who may.",
    )


def _left_out(check: Check, world: World, failed: set[str]) -> str:
    """Why this check says nothing here; empty when it does."""
    if check.cloud and not any(is_aws(getattr(world.settings, name)) for name in check.cloud):
        named = " and ".join(f"{name.upper()}={getattr(world.settings, name)}" for name in check.cloud)
        return "does not apply: nothing of AWS is named" if len(check.cloud) > 1 else f"does not apply to {named}"
    for need in check.needs:
        if need in failed:
            return f"needs the check `{need}` to pass first"
        if need == "table" and world.ports is None:
            return "does not apply yet: nothing has been kept here"
    return ""


def _made(check: Check, world: World) -> list[Finding]:
    """What one check found, or why it could not be made. Raises Forbidden."""
    try:
        with naming_permission(check.service):
            return list(check.look(world))
    except Declined as no:
        return [
            warning(
                "not_answered",
                f"The check `{check.name}` could not be made: AWS answered {no.code}.",
                "Look at AWS_ENDPOINT_URL and the region.",
            )
        ]
    except (StoreBusy, OSError, sqlite3.Error) as no:
        return [
            error(
                "not_reachable",
                f"The check `{check.name}` could not be made: {no}.",
                "Run the doctor again in a minute; if it stays so, do what is said there.",
            )
        ]
