"""Terraform's files as data, without Terraform."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import hcl2

ROOT = Path(__file__).resolve().parents[2] / "deploy"


@cache
def resources() -> dict[str, dict[str, Any]]:
    """Every resource by its address; expressions stay text."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted(ROOT.glob("*.tf")):
        for block in hcl2.loads(file.read_text()).get("resource", []):
            for kind, named in block.items():
                for name, body in named.items():
                    found[f"{_bare(kind)}.{_bare(name)}"] = _plain(body)
    return found


def variables() -> dict[str, dict[str, Any]]:
    blocks = hcl2.loads((ROOT / "variables.tf").read_text())["variable"]
    return {_bare(name): _plain(body) for block in blocks for name, body in block.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_bare(name): _plain(each) for name, each in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return _bare(value) if isinstance(value, str) else value


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
