"""formats.csv says what goes in and what comes out; each of its rows names the tests that prove it."""

import ast
import csv
from pathlib import Path

import pytest

HERE = Path(__file__).parent
with (HERE / "formats.csv").open(newline="", encoding="utf-8") as table:
    ROWS = list(csv.DictReader(table))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['in']}: {row['what'][:40]}")
def test_every_row_is_proven_by_tests_that_exist(row):
    assert None not in row, "a comma outside quotation marks"
    assert row["becomes"]
    proofs = row["proof"].split()
    assert proofs
    for proof in proofs:
        file, name = proof.split("::")
        tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof
