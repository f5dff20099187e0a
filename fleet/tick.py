"""The tick: sweeps rows, reaps machines, ensures machines, again and again."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

from fleet.attendance import Attendance
from fleet.launcher import Launcher
from fleet.outlook import Outlook
from jobs.errors import FirstlightError, StoreBusy
from jobs.orphans import Orphans
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.sweep import Swept, sweep

HURRY_S = 0.5  # while photos wait for a machine whose slot is not free yet
REST_S = 30.0  # where each look is paid for, while nobody needs one: an upload asks for its machine by itself
COLLECT_S = 3600.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a tick found. `waiting` counts jobs; `calm`: no work, no machine, and nothing that had to be done."""

    outlook: Outlook
    waiting: int
    calm: bool


def one_round(ports: Ports, launcher: Launcher) -> Round:
    """One tick, by one look unless something changed meanwhile. Raises StoreBusy."""
    try:
        look = launcher.look()
        stops = launcher.reap(look)  # first: a frozen machine may hold the lock that the sweep waits for
    except StoreBusy:
        sweep(ports)  # photos meet their deadlines although EC2 is away
        raise
    swept = sweep(ports)
    launcher.advise(look)
    changed = bool(stops) or swept != Swept()
    if changed:
        look = launcher.look()
    view, now = look
    quiet = not view.unfinished and not view.machines and not any(slot.is_launching(now=now) for slot in view.slots)
    return Round(outlook=launcher.ensure("tick", look), waiting=view.waiting, calm=quiet and not changed)


def tick_once(ports: Ports, launcher: Launcher) -> Outlook:
    """One round, and what those who wait can expect. Safe to run in several processes at once. Raises StoreBusy."""
    return one_round(ports, launcher).outlook


def pause_s(done: Round, settings: Settings) -> float:
    """How long to rest after this round."""
    if done.outlook.state == "none" and done.outlook.phase == "starting_machine" and done.waiting:
        return min(settings.tick_s, HURRY_S)
    if done.calm and settings.table.startswith("dynamodb:"):
        return max(settings.tick_s, REST_S)
    return settings.tick_s


def _photos_wait(ports: Ports) -> bool:
    try:
        return ports.ledger.waiting() > 0
    except (FirstlightError, OSError, sqlite3.Error):
        return False  # the store is what is away, and the tick has said so


def run(
    ports: Ports,
    launcher: Launcher,
    settings: Settings,
    stop: Event,
    *,
    wish: Callable[[], None] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Tick until told to stop. A store that fails is logged, and met again at the next tick.

    `wish` asks for the bridge, where there is one, while photos wait and no machine is ready.
    """
    orphans, collected_s = Orphans(ports), monotonic()  # a wall clock's leap would make one look of two
    attendance = Attendance(table=ports.table, clock=ports.clock)
    while not stop.is_set():
        rest_s = settings.tick_s
        try:
            done = one_round(ports, launcher)
            rest_s = pause_s(done, settings)
            if wish is not None and done.waiting and done.outlook.state != "ready":
                wish()
            attendance.show()
            if monotonic() - collected_s > COLLECT_S:
                collected_s = monotonic()
                orphans.collect()
        except (FirstlightError, OSError, sqlite3.Error):
            log.exception("this tick failed")
            if wish is not None and _photos_wait(ports):
                wish()  # EC2 may be what is away
        stop.wait(rest_s)
