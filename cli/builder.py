"""The page's build beside a service that runs already: quietly, at low priority, and told when it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from cli.page import WEB, is_current
from photos.sandbox import end_with_parent

NICE = 10  # a photo that comes meanwhile goes first


class Builder:
    """`firstlight page` as a child process, once the service answers; its words go into `log`."""

    def __init__(self, log: Path, *, wanted: bool) -> None:
        self._log = log
        self._wanted = wanted
        self._process: subprocess.Popen[bytes] | None = None

    def tend(self, *, serving: bool) -> None:
        """Start it when its time has come, and say once how it ended."""
        if self._wanted and serving:
            self._wanted = False
            self._start()
        self._tell()

    def stop(self) -> None:
        """End it with all that it started."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _start(self) -> None:
        if is_current(WEB):
            return
        click.echo("The page is being built; until then the address shows a plain form")
        with self._log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli", "page"],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=_gently,  # noqa: PLW1509 — no threads here
            )

    def _tell(self) -> None:
        if self._process is None or self._process.poll() is None:
            return
        if self._process.returncode == 0:
            click.echo("The page is ready: reload it where the plain form is open")
        else:
            lines = self._log.read_text(errors="replace").strip().splitlines()
            words = "\n".join(line.removeprefix("Error: ") for line in lines)
            click.echo(f"{words}\nThe plain form stays; everything else works")
        self._process = None


def _gently() -> None:
    os.nice(NICE)
    if sys.platform == "linux":
        end_with_parent()
