"""Blobs that no row names: left by a crash between the photo and its row, or sent again after a deletion."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jobs.job import job_key
from jobs.ports import Ports
from jobs.table import Row

AT_ONCE = 100


class Orphans:
    """Looks twice: a blob without a row may belong to an upload that is just being accepted."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._suspects: set[str] = set()

    def collect(self) -> int:
        """Remove the blobs that had no row at the last call either; how many. Call it an hour apart."""
        keys = [key for prefix in ("in/", "out/") for key in self._ports.blobs.keys(prefix)]
        abandoned = unnamed(self._ports, keys)
        gone = abandoned & self._suspects
        for key in gone:
            self._ports.blobs.delete(key)
        self._suspects = abandoned - gone
        return len(gone)


def unnamed(ports: Ports, keys: Sequence[str], *, kinds: Sequence[str] = (job_key(""),)) -> set[str]:
    """Those of these blobs (`in/<id>`, `out/<id>/<token>`) that no row of these kinds names now. Raises StoreBusy."""
    left: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = {key: key.split("/")[1] for key in keys[start : start + AT_ONCE]}
        rows = ports.table.read_many({kind + each for each in some.values() for kind in kinds})
        named = {row.key.partition("/")[2] for row in rows.values() if not _is_tombstone(row)}
        left |= {key for key, job_id in some.items() if job_id not in named}
    return left


def _is_tombstone(row: Row) -> bool:
    """Of a photo that was deleted. What cannot be read may be a newer release's, and names its blobs."""
    try:
        doc = json.loads(row.doc)
    except ValueError:
        return False
    return isinstance(doc, dict) and bool(doc.get("deleted"))
