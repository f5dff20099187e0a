"""A plan in a screen: what would be made, changed, replaced and destroyed, a line for each resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VERBS = {  # Terraform's actions → ours, in the order of the screen
    ("create",): "make",
    ("update",): "change",
    ("delete", "create"): "REPLACE",
    ("create", "delete"): "REPLACE",
    ("delete",): "DESTROY",
}
NAMES = ("bucket", "name", "description", "cidr_block", "service_name", "instance_type")


def changes(plan: Mapping[str, Any]) -> list[str]:
    """One line for each change, grouped by what is done; none where the plan changes nothing."""
    told = [(verb, line) for each in plan.get("resource_changes", []) for verb, line in _change(each)]
    order = list(dict.fromkeys(VERBS.values()))
    return [f"{verb:8}{line}" for verb, line in sorted(told, key=lambda one: (order.index(one[0]), one[1]))]


def summary(plan: Mapping[str, Any]) -> str:
    """How many of each, in words."""
    verbs = [line.split()[0] for line in changes(plan)]
    counted = [f"{verbs.count(verb)} to {verb}" for verb in dict.fromkeys(VERBS.values()) if verb in verbs]
    return ", ".join(counted) or "nothing to change"


def erasing(plan: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the bucket goes with what it holds: as it was deployed, which is what counts, and as it is wanted now."""
    wanted = bool(plan.get("variables", {}).get("force_destroy", {}).get("value", True))
    buckets = [each for each in plan.get("resource_changes", []) if each["address"] == "aws_s3_bucket.blobs"]
    deployed = [bool((each["change"]["before"] or {}).get("force_destroy", wanted)) for each in buckets]
    return (deployed or [wanted])[0], wanted


def _change(change: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    actions = tuple(change["change"]["actions"])
    if change.get("mode") == "data" or actions not in VERBS:
        return
    facts = change["change"]["after"] or change["change"]["before"] or {}
    name = next((str(facts[each]) for each in NAMES if facts.get(each)), "")
    yield VERBS[actions], f"{change['address']:52}{name}".rstrip()
