"""Blobs that no row names: left by a crash between the photo and its row, or sent again after a deletion."""

from __future__ import annotations

import json

from jobs.job import job_key
from jobs.ports import Ports

AT_ONCE = 100


class Orphans:
    """Looks twice: a blob without a row may belong to an upload that is just being accepted."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._suspects: set[str] = set()

    def collect(self) -> int:
        """Remove the blobs that had no row at the last call either; how many. Call it an hour apart."""
        keys = [key for prefix in ("in/", "out/") for key in self._ports.blobs.keys(prefix)]
        abandoned: set[str] = set()
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            rows = self._ports.table.read_many({_row(key) for key in some})
            named = {key for key, row in rows.items() if not json.loads(row.doc).get("deleted")}
            abandoned |= {key for key in some if _row(key) not in named}
        gone = abandoned & self._suspects
        for key in gone:
            self._ports.blobs.delete(key)
        self._suspects = abandoned - gone
        return len(gone)


def _row(key: str) -> str:
    """The key of the row that would name this blob: `in/<id>`, `out/<id>/<token>`."""
    return job_key(key.split("/")[1])
