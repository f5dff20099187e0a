"""`firstlight tick`: the clockwork beside the API, as a process of its own or from cron."""

from __future__ import annotations

import logging
import signal
import threading

import click

from cli.settings import read_settings
from fleet.attendance import Attendance
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.tick import run, tick_once
from jobs.clock import now_ms
from jobs.ports import open_ports

WAIT_S = 1.0  # for a lock: the next tick comes soon, and whoever holds a lock for long may be a machine to reap


@click.command()
@click.option("--once", is_flag=True, help="one tick, then end: for cron")
def command(*, once: bool) -> None:
    """Sweep jobs that wait too long, reap machines that must go, start those that are needed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings()
    ports = open_ports(settings, clock=now_ms, wait_s=WAIT_S)
    launcher = Launcher(ports, settings, open_fleet(settings, ports), patient=not once)
    if once:
        tick_once(ports, launcher)
        Attendance(table=ports.table, clock=ports.clock).show()
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(ports, launcher, settings, stop)
