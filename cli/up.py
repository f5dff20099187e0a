"""`firstlight up`: the whole service on this machine, ended by Ctrl-C."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import click

from api import server
from cli.builder import Builder
from cli.settings import read_settings
from fleet.bridge import bridge_fleet
from fleet.fleets import open_fleet
from jobs.clock import now_ms
from jobs.errors import FirstlightError
from jobs.ports import open_ports
from jobs.settings import Settings
from photos.sandbox import end_with_parent

END_S = 65.0  # the API lets an upload finish for up to 60
TELL_AFTER_S = 0.5
SETTLED_S = 5.0  # after its first answer: what has only just begun has nobody to wait for
LARGEST_LOG = 10 << 20
TOLD_LINES = 15


@click.command()
@click.option("--page", is_flag=True, help="build the page beside it, where it is not built of these sources")
def command(*, page: bool) -> None:
    """Run the API and the tick; workers start when a photo comes or somebody opens the page."""
    settings = read_settings()
    _check(settings)
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
    builder = Builder(logs / "page.log", wanted=page)
    died = None
    told_s = None
    try:
        while died is None and not stop.wait(0.1):
            died = next((name for name, process in processes.items() if process.poll() is not None), None)
            if told_s is None and _answers(settings):
                click.echo(f"Firstlight is on http://{settings.host}:{settings.port}  (Ctrl-C ends it; logs in {logs})")
                told_s = time.monotonic()
            builder.tend(serving=told_s is not None)
    finally:
        builder.stop()
        for process in processes.values():
            process.terminate()
        if told_s is None or time.monotonic() - told_s < SETTLED_S:
            hurry.set()
        elif not hurry.wait(TELL_AFTER_S) and processes["api"].poll() is None:
            click.echo("Uploads that are still arriving may finish; Ctrl-C again ends them, too")
        for process in processes.values():
            _ended(process, hurry)
        _end_machines(settings)
    if died:
        lines = (logs / f"{died}.log").read_text(errors="replace").splitlines()[-TOLD_LINES:]
        raise click.ClickException("\n".join([f"the {died} process ended by itself; its last words:", *lines]))


def _check(settings: Settings) -> None:
    """Raises ClickException with the cure when the API cannot start or nothing can be kept where the settings say."""
    try:
        server.check(settings)
    except server.CannotServe as fact:
        raise click.ClickException(str(fact)) from None
    try:
        Path(settings.spool).mkdir(parents=True, exist_ok=True)
        with closing(open_ports(settings, clock=now_ms)) as ports:
            now = ports.clock()
            ports.table.add("up", 1, limit=None, expires_ms=now + 1000, now=now)
            ports.queue.depth()
    except (FirstlightError, OSError, sqlite3.Error) as fact:
        raise click.ClickException(
            f"Nothing can be kept in {settings.spool}, {settings.table} and {settings.queue} ({fact}): "
            "make room and give write access there, move a damaged file away, or name other places in the settings"
        ) from None


def _started(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as file:
        # A session of its own: Ctrl-C reaches this process alone, which then ends the others in order.
        return subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            preexec_fn=end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 — no threads here
        )


def _answers(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(f"http://{settings.host}:{settings.port}/health", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _end_machines(settings: Settings) -> None:
    with closing(open_ports(settings, clock=now_ms)) as ports:
        open_fleet(settings, ports).stop_all()
        if settings.bridge:
            bridge_fleet(settings, ports).stop_all()  # the tick ends it, unless it was killed


def _ended(process: subprocess.Popen[bytes], hurry: threading.Event) -> None:
    ends = time.monotonic() + END_S
    while process.poll() is None:
        if hurry.wait(0.05) or time.monotonic() > ends:
            process.kill()
            process.wait()
