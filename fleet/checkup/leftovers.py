"""Blobs that no row names: photos of uploads that were never accepted, or came again after their deletion."""

from __future__ import annotations

from itertools import islice

from fleet.checkup.finding import Finding, warning
from jobs.job import job_key
from jobs.orphans import unnamed
from jobs.ports import Ports

MOST = 1000  # keys that are looked at: one request for the list, twenty for their rows


def observed(ports: Ports) -> set[str]:
    """Among the first blobs those that neither a photo's row nor an invitation names now. Raises StoreBusy."""
    keys = list(islice((key for prefix in ("in/", "out/") for key in ports.blobs.keys(prefix)), MOST))
    return unnamed(ports, keys, kinds=(job_key(""), "guest/"))


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
