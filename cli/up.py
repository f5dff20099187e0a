"""`firstlight up`: the whole service on this machine, ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import click

from api import server
from cli.settings import read_settings
from fleet.machines import open_fleet
from jobs.settings import Settings

READY_S = 30.0
END_S = 10.0


@click.command()
def command() -> None:
    """Run the API and the tick; workers start when a photo comes or somebody opens the page."""
    settings = read_settings()
    try:
        server.check_port(settings)
    except server.PortTaken as fact:
        raise click.ClickException(str(fact)) from None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environ = {**os.environ, **settings.environ()}  # noqa: TID251 — handed on to the children
    processes = {
        "API": _started(server.command(settings), environ),
        "tick": _started([str(Path(sys.prefix) / "bin" / "python"), "-m", "cli", "tick"], environ),
    }
    died = None
    try:
        if _answers(settings, stop):
            click.echo(f"Firstlight is on http://{settings.host}:{settings.port}  (Ctrl-C ends it)")
        while died is None and not stop.wait(0.5):
            died = next((name for name, process in processes.items() if process.poll() is not None), None)
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            _ended(process)
        open_fleet(settings).stop_all()
    if died:
        raise click.ClickException(f"the {died} process ended by itself; what it printed above says why")


def _started(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
    return subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, start_new_session=True)


def _answers(settings: Settings, stop: threading.Event) -> bool:
    url = f"http://{settings.host}:{settings.port}/health"
    for _ in range(int(READY_S / 0.1)):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            if stop.wait(0.1):
                return False
    return False


def _ended(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
