"""Pools that refused a machine lately: one row, so that every process of ours spares them the same ten minutes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

KEY = "fleet/refused_pools"
SPARED_MS = 10 * 60_000
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """EC2's code, and until when the pool is spared, wall-clock milliseconds UTC."""

    code: str
    until_ms: int


def refused_pools(table: JobTable, *, now: int) -> dict[str, Refusal]:
    """The refusal by the key of each pool that refused within the last ten minutes."""
    row = table.read(KEY)
    return {key: Refusal(code=code, until_ms=until_ms) for key, (until_ms, code) in _known(row, now).items()}


def spare_pools(table: JobTable, codes: Mapping[str, str], *, now: int) -> None:
    """Remember these refusals, and forget the old ones. Lost if others keep writing: the pools refuse again."""
    for _ in range(TRIES):
        row = table.read(KEY)
        known = _known(row, now) | {key: [now + SPARED_MS, code] for key, code in codes.items()}
        doc = json.dumps(known, separators=(",", ":"))
        try:
            if row is None:
                table.insert(Row(key=KEY, doc=doc))
            else:
                table.replace(Row(key=KEY, doc=doc, revision=row.revision))
        except (RowExists, RowChanged):
            continue
        return


def _known(row: Row | None, now: int) -> dict[str, list[Any]]:
    """Refusals still remembered; one implausibly far ahead is a broken clock's."""
    known: dict[str, list[Any]] = json.loads(row.doc) if row else {}
    return {key: entry for key, entry in known.items() if now < entry[0] <= now + SPARED_MS}
