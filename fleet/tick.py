"""The tick: sweeps rows, reaps machines, ensures machines, again and again."""

from __future__ import annotations

import logging
import sqlite3
from threading import Event

from fleet.launcher import Launcher
from fleet.outlook import Outlook
from jobs.errors import FirstlightError
from jobs.orphans import Orphans
from jobs.ports import Ports
from jobs.settings import Settings
from jobs.sweep import sweep

HURRY_S = 0.5  # while photos wait for a machine whose slot is not free yet
COLLECT_MS = 3600 * 1000
log = logging.getLogger(__name__)


def tick_once(ports: Ports, launcher: Launcher) -> Outlook:
    """One round. Safe to run in several processes at once. Raises StoreBusy."""
    launcher.reap()  # first: a frozen machine may hold the lock that the sweep waits for
    sweep(ports)
    launcher.advise()
    return launcher.ensure("tick")


def run(ports: Ports, launcher: Launcher, settings: Settings, stop: Event) -> None:
    """Tick until told to stop. A store that fails is logged, and met again at the next tick."""
    orphans, collected_ms = Orphans(ports), ports.clock()
    while not stop.is_set():
        pause_s = settings.tick_s
        try:
            outlook = tick_once(ports, launcher)
            if outlook.state == "none" and outlook.phase == "starting_machine" and ports.ledger.waiting():
                pause_s = min(pause_s, HURRY_S)
            if ports.clock() - collected_ms > COLLECT_MS:
                collected_ms = ports.clock()
                orphans.collect()
        except (FirstlightError, OSError, sqlite3.Error):
            log.exception("this tick failed")
        stop.wait(pause_s)
