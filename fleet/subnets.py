"""The subnets that machines may start in, one for each zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fleet.ladder import Subnet


class SubnetCalls(Protocol):
    def describe_subnets(self, **wanted: Any) -> dict[str, Any]: ...


def named_in(setting: str) -> tuple[str, ...]:
    """The ids that SUBNETS names."""
    return tuple(filter(None, (each.strip() for each in setting.split(","))))


def find_subnets(ec2: SubnetCalls, *, named: Sequence[str], project: str) -> list[Subnet]:
    """Those named by the operator; else those tagged as the project's; else the default ones of the region.

    A fleet takes one subnet for each zone, the first by its id.
    """
    if named:
        return _by_zone(ec2.describe_subnets(SubnetIds=list(named)))
    tagged = _by_zone(ec2.describe_subnets(Filters=[{"Name": "tag:firstlight-project", "Values": [project]}]))
    return tagged or _by_zone(ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}]))


def _by_zone(answer: dict[str, Any]) -> list[Subnet]:
    found: dict[str, Subnet] = {}
    for each in sorted(answer["Subnets"], key=lambda one: str(one["SubnetId"])):
        zone = each["AvailabilityZone"]
        found.setdefault(zone, Subnet(id=each["SubnetId"], zone=zone))
    return [found[zone] for zone in sorted(found)]
