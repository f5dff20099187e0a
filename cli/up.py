"""`firstlight up`: the whole service on this machine, ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from api import server
from cli.settings import read_settings
from fleet.machines import open_fleet
from jobs.settings import Settings

END_S = 65.0  # the API lets an upload finish for up to 60
TELL_AFTER_S = 0.5
LARGEST_LOG = 10 << 20
TOLD_LINES = 15


@click.command()
def command() -> None:
    """Run the API and the tick; workers start when a photo comes or somebody opens the page."""
    settings = read_settings()
    try:
        server.check_port(settings)
    except server.PortTaken as fact:
        raise click.ClickException(str(fact)) from None
    stop, hurry = threading.Event(), threading.Event()
    ends = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it; else it tells of a closed terminal
        ends.append(signal.SIGHUP)
    for number in ends:
        signal.signal(number, lambda *_: hurry.set() if stop.is_set() else stop.set())
    environ = {**os.environ, **settings.environ()}  # noqa: TID251 — handed on to the children
    logs = Path(settings.spool).absolute().parent / "logs"
    processes = {
        "api": _started(server.command(settings), environ, logs / "api.log"),
        "tick": _started([str(Path(sys.prefix) / "bin" / "python"), "-m", "cli", "tick"], environ, logs / "tick.log"),
    }
    died = None
    told = False
    try:
        while died is None and not stop.wait(0.1):
            died = next((name for name, process in processes.items() if process.poll() is not None), None)
            if not told and _answers(settings):
                click.echo(f"Firstlight is on http://{settings.host}:{settings.port}  (Ctrl-C ends it; logs in {logs})")
                told = True
    finally:
        for process in processes.values():
            process.terminate()
        if told and not hurry.wait(TELL_AFTER_S) and processes["api"].poll() is None:
            click.echo("Uploads that are still arriving may finish; Ctrl-C again ends them, too")
        for process in processes.values():
            _ended(process, hurry)
        open_fleet(settings).stop_all()
    if died:
        lines = (logs / f"{died}.log").read_text(errors="replace").splitlines()[-TOLD_LINES:]
        raise click.ClickException("\n".join([f"the {died} process ended by itself; its last words:", *lines]))


def _started(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as file:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
        return subprocess.Popen(
            command, env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://{settings.host}:{settings.port}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _ended(process: subprocess.Popen[bytes], hurry: threading.Event) -> None:
    ends = time.monotonic() + END_S
    while process.poll() is None:
        if hurry.wait(0.05) or time.monotonic() > ends:
            process.kill()
            process.wait()
