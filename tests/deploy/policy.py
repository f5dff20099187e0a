"""What IAM would say: an identity's policy documents against one call, as the policy language's reference has it.

Only what our policies use: Allow and Deny, wildcards, and the condition operators below; any other raises KeyError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """One thing that IAM is asked about. `context` holds condition keys in lower case, each with its values."""

    action: str
    resource: str = "*"
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def allows(documents: Iterable[Mapping[str, Any]], call: Call) -> bool:
    matching = [
        statement["Effect"]
        for document in documents
        for statement in _listed(document["Statement"])
        if _matches(statement, call)
    ]
    return "Allow" in matching and "Deny" not in matching


def actions(document: Mapping[str, Any]) -> set[str]:
    """Every action that a document names, as it names it."""
    return {action for statement in _listed(document["Statement"]) for action in _listed(statement["Action"])}


def _matches(statement: Mapping[str, Any], call: Call) -> bool:
    return (
        any(_like(call.action.lower(), each.lower()) for each in _listed(statement["Action"]))
        and any(_like(call.resource, each) for each in _listed(statement["Resource"]))
        and all(
            _holds(operator, call.context.get(key.lower(), ()), _listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, given: tuple[str, ...], wanted: list[str]) -> bool:
    compare = {
        "StringEquals": lambda one, other: one == other,
        "StringLike": _like,
        "ForAllValues:StringLike": _like,
        "StringLikeIfExists": _like,
        "Bool": lambda one, other: one.lower() == other.lower(),
    }[operator]
    if operator.endswith("IfExists") and not given:
        return True
    if operator.startswith("ForAllValues:"):  # holds also where the request has no such key
        return all(any(compare(one, other) for other in wanted) for one in given)
    return any(compare(one, other) for one in given for other in wanted)


def _like(text: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
