"""Where the seconds of a cold start go: real workers are started here, or a deployed service's rows are read."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

from bench.nights import night_jpeg
from bench.service import Service, service
from jobs.clock import now_ms
from jobs.milestones import KEPT_MS, ColdStart, cold_starts
from jobs.ports import open_ports
from jobs.settings import Settings

TOLD_S = 20.0  # within which a worker writes its first result's milestone


def measured(*, runs: int, engine: str, megapixels: float = 12.0) -> list[ColdStart]:
    """Start the whole service so often, send one photo that launches a worker, and read what that worker wrote."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    photo = night_jpeg(height * 4 // 3, height)
    found = []
    for _ in range(runs):
        with service(ENGINE=engine) as running:
            accepted = running.upload(photo)
            status = running.finished(accepted["id"])
            if status["state"] != "done":
                raise RuntimeError(f"the photo failed: {status['error']}")
            found.append(_told(running))
    return found


def recorded(table: str) -> list[ColdStart]:
    """The starts of the last week in a service's table, as `TABLE` names it. Raises StoreBusy."""
    with closing(open_ports(replace(Settings(), table=table), clock=now_ms)) as ports:
        return cold_starts(ports.table, since_ms=now_ms() - KEPT_MS)


def entries(starts: Iterable[ColdStart], *, where: str) -> list[dict[str, Any]]:
    """As `bench.waterfall` reads them: named by what started and where, so that like is compared with like."""
    return [{"name": f"{start.flavour or 'never ready'}, {where}", "milestones": dict(start.at_ms)} for start in starts]


def _told(running: Service) -> ColdStart:
    ends = time.monotonic() + TOLD_S
    while time.monotonic() < ends:
        whole = [each for each in recorded(f"sqlite:{running.folder}/jobs.db") if "first_result" in each.at_ms]
        if whole:
            return whole[-1]
        time.sleep(0.05)
    raise TimeoutError(f"the worker told no whole start\n{running.logs()}")
