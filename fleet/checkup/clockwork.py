"""The tick and the workers: whether somebody sweeps, reaps and ensures, and whether somebody works."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.attendance import STALE_MS
from fleet.checkup.finding import Finding, error, warning
from jobs.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """`last_tick_ms` None: nobody ever ticked. `needed`: there are jobs or machines that a tick must see to."""

    last_tick_ms: int | None
    unfinished: int
    machines: int
    workers: int


def findings(work: Clockwork, settings: Settings, now: int) -> list[Finding]:
    """Pure. A laptop where nothing waits and nothing runs needs no tick."""
    found = []
    needed = bool(work.unfinished or work.machines)
    at_home = settings.fleet.startswith("process:")
    silent_ms = None if work.last_tick_ms is None else now - work.last_tick_ms
    if (silent_ms is None or silent_ms > STALE_MS) and (needed or not at_home):
        since = "has ever been seen" if silent_ms is None else f"has been seen for {silent_ms / 60_000:.0f} minutes"
        found.append(
            (error if needed else warning)(
                "tick_stale",
                f"No tick {since}: nothing is swept, reaped or started.",
                "Start `firstlight tick` beside the API and keep it running (`firstlight up` does), or call "
                "`firstlight tick --once` from cron each minute.",
            )
        )
    if settings.fleet.startswith("none:") and not work.workers:
        found.append(
            (error if work.unfinished else warning)(
                "no_worker",
                "FLEET=none: starts no machine, and no worker shows a sign of life.",
                "Start one with the same settings: `firstlight worker`, or `docker compose up worker`.",
            )
        )
    return found
