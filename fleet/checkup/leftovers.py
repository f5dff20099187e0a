"""Blobs that no row names: photos of uploads that were never accepted, or came again after their deletion."""

from __future__ import annotations

import json
from itertools import islice

from fleet.checkup.finding import Finding, warning
from jobs.job import job_key
from jobs.ports import Ports

MOST = 1000  # keys that are looked at: one request for the list, ten for their rows
AT_ONCE = 100


def unnamed(ports: Ports) -> set[str]:
    """Among the first blobs those that no living row names at this moment. Raises StoreBusy."""
    keys = list(islice((key for prefix in ("in/", "out/") for key in ports.blobs.keys(prefix)), MOST))
    left: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = {key: key.split("/")[1] for key in keys[start : start + AT_ONCE]}
        asked = {kind + each for each in some.values() for kind in (job_key(""), "guest/")}
        rows = ports.table.read_many(asked)
        named = {key.partition("/")[2] for key, row in rows.items() if not json.loads(row.doc).get("deleted")}
        left |= {key for key, job_id in some.items() if job_id not in named}
    return left


def findings(left: set[str]) -> list[Finding]:
    """Pure. `left` were unnamed twice, some seconds apart: an upload writes its blob a moment before its row."""
    if not left:
        return []
    some = ", ".join(sorted(left)[:3])
    return [
        warning(
            "orphan_blobs",
            f"{len(left)} stored {'blob belongs' if len(left) == 1 else 'blobs belong'} to no photo that is known "
            f"({some}{', …' if len(left) > 3 else ''}).",
            "Keep the tick running (`firstlight tick`): it removes those that it finds an hour apart.",
        )
    ]
