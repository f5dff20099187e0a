"""`firstlight worker`: one worker in the foreground, as a machine of somebody else's would run it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from cli.settings import read_settings


@click.command()
def command() -> None:
    """Run one worker that drains the queue until it has been idle for IDLE_S (never, under FLEET=none:)."""
    read_settings()
    python = str(Path(sys.prefix) / "bin" / "python")
    os.execv(python, [python, "-m", "worker"])  # noqa: S606 — becomes the worker, so that signals reach it
