"""The subnets that machines may start in."""

from __future__ import annotations

from typing import Any

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from fleet.ladder import Subnet
from fleet.subnets import find_subnets, named_in
from jobs.clients import Declined
from jobs.settings import Settings


def observed(questions: Questions, settings: Settings) -> list[Subnet] | None:
    """One for each zone; None when SUBNETS names one that is not there. Raises Forbidden, StoreBusy and Declined."""
    try:
        return find_subnets(_Subnets(questions), named=named_in(settings.subnets), project=settings.project)
    except Declined as no:
        if no.code.startswith("InvalidSubnet"):
            return None
        raise


class _Subnets:
    """Describes subnets, as `fleet.subnets` asks for it."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def describe_subnets(self, **wanted: Any) -> dict[str, Any]:
        return self._questions.ask("ec2", "describe_subnets", **wanted)


def findings(subnets: list[Subnet] | None, settings: Settings) -> list[Finding]:
    """Pure."""
    tag = f"tag some firstlight-project={settings.project}"
    if subnets is None:
        return [
            error(
                "subnet_gone",
                f"SUBNETS={settings.subnets} names a subnet that is not there.",
                f"Correct SUBNETS, or empty it and {tag}.",
            )
        ]
    if not subnets:
        return [
            error(
                "no_subnet",
                "There is no subnet for machines: none is named, none is tagged, and the region has no default ones.",
                f"Run `make deploy`, set SUBNETS=subnet-…, or {tag}.",
            )
        ]
    if len(subnets) == 1:
        return [
            warning(
                "one_zone",
                f"Machines may start in {subnets[0].zone} alone; spot machines run out by zone.",
                f"Name a subnet of each zone in SUBNETS, or {tag}.",
            )
        ]
    return []
