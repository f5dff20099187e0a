"""The registry of what can go wrong: complete, used, and worded for people."""

from __future__ import annotations

import ast
import http
import re
from pathlib import Path

import pytest

from jobs.errors import FAULTS, Fault, Refused
from photos.refusals import REFUSALS

ROOT = Path(__file__).parents[2]
ROOMS = ("api", "bench", "cli", "fleet", "jobs", "model", "photos", "worker")


def sources() -> dict[Path, ast.Module]:
    paths = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {path: ast.parse(path.read_text()) for path in paths}


def words(tree: ast.Module) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_has_a_status_of_failure_a_sentence_and_a_cure(fault: Fault) -> None:
    assert FAULTS[fault.code] is fault
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", fault.code)
    assert http.HTTPStatus(fault.status).value >= 400
    for sentence in (fault.title, fault.cure):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert len(sentence) <= 120


def test_every_code_is_used_somewhere() -> None:
    used = set().union(*(words(tree) for path, tree in sources().items() if path != ROOT / "jobs" / "errors.py"))
    assert set(FAULTS) - used == set()


def test_every_refusal_names_a_registered_code() -> None:
    unknown = [
        (path.name, node.lineno, node.args[0].value)
        for path, tree in sources().items()
        if path.parent != ROOT / "photos"  # its sandboxed children have refusals of their own
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "Refused"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and node.args[0].value not in FAULTS
    ]
    assert unknown == []


def test_every_reason_to_refuse_a_photo_has_a_registered_code() -> None:
    assert {code for code, _ in REFUSALS.values()} - set(FAULTS) == set()


def test_a_refusal_tells_its_fault_and_its_particulars() -> None:
    refused = Refused("bad_ratio", "0.5 is below 1", retry_after_s=7)
    assert (refused.code, refused.fault.status, refused.detail, refused.retry_after_s) == (
        "bad_ratio",
        400,
        "0.5 is below 1",
        7,
    )
    assert str(refused) == "0.5 is below 1"
    assert str(Refused("not_found")) == FAULTS["not_found"].title


def test_a_code_that_is_not_registered_cannot_be_refused() -> None:
    with pytest.raises(KeyError):
        Refused("made_up")
