"""`firstlight tick`: the clockwork beside the API, as a process of its own or from cron."""

from __future__ import annotations

import logging
import signal
import threading
from importlib.util import find_spec

import click

from cli.settings import read_settings
from fleet.attendance import Attendance
from fleet.bridge import Bridge, Wish
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.tick import run, tick_once
from jobs.clock import now_ms
from jobs.errors import StoreBusy
from jobs.ports import open_ports
from jobs.settings import Settings

WAIT_S = 1.0  # for a lock: the next tick comes soon, and whoever holds a lock for long may be a machine to reap


@click.command()
@click.option("--once", is_flag=True, help="one tick, then end: for cron")
def command(*, once: bool) -> None:
    """Sweep jobs that wait too long, reap machines that must go, start those that are needed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings()
    try:
        ports = open_ports(settings, clock=now_ms, wait_s=WAIT_S)
        launcher = Launcher(ports, settings, open_fleet(settings, ports), patient=not once)
    except OSError as fact:
        raise click.ClickException(f"Nothing can be kept here ({fact}); `firstlight doctor` says where.") from None
    if once:
        try:
            tick_once(ports, launcher)
            Attendance(table=ports.table, clock=ports.clock).show()
        except (StoreBusy, OSError) as fact:
            raise click.ClickException(f"{fact}; `firstlight doctor` says what is wrong.") from None
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if not settings.bridge:
        run(ports, launcher, settings, stop)
        return
    bridge = _tended(settings, stop)
    try:
        run(ports, launcher, settings, stop, wish=Wish(settings).make)
    finally:
        stop.set()  # else a tick that broke would live on in the bridge's thread, and tick no more
        bridge.join()


def _tended(settings: Settings, stop: threading.Event) -> threading.Thread:
    """The bridge in a thread of its own: it looks every second, and a tick may rest or wait for EC2."""
    if find_spec("openvino") is None:
        raise click.ClickException("BRIDGE=1 needs openvino here: pip install openvino, or leave BRIDGE out")
    tending = Bridge(open_ports(settings, clock=now_ms, wait_s=WAIT_S), settings)
    thread = threading.Thread(target=tending.run, args=(stop,), name="bridge")
    thread.start()
    return thread
