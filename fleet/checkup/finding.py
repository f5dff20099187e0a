"""A finding: what is wrong, in one sentence, and what the operator can do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`code` names the kind for scripts and never changes; `says` and `cure` are sentences.

    An error keeps photos from being brightened, or money and machines from being bounded; a warning will, one day.
    """

    code: str
    severity: Severity
    says: str
    cure: str


def error(code: str, says: str, cure: str) -> Finding:
    return Finding(code=code, severity="error", says=says, cure=cure)


def warning(code: str, says: str, cure: str) -> Finding:
    return Finding(code=code, severity="warning", says=says, cure=cure)


def status(findings: Iterable[Finding]) -> int:
    """The exit status: 0 nothing found, 1 warnings only, 2 an error among them."""
    severities = {each.severity for each in findings}
    return 2 if "error" in severities else 1 if severities else 0
