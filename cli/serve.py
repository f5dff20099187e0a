"""`firstlight serve`: the API alone in the foreground, for a container or a service manager."""

from __future__ import annotations

import os
from pathlib import Path

import click

from api import server
from cli.settings import read_settings


@click.command()
def command() -> None:
    """Run the API alone, in the foreground and logging to it; the tick and the workers are started elsewhere."""
    settings = read_settings()
    try:
        server.check(settings)
        Path(settings.spool).mkdir(parents=True, exist_ok=True)
        arguments = server.command(settings)
    except server.CannotServe as fact:
        raise click.ClickException(str(fact)) from None
    except OSError as fact:
        raise click.ClickException(
            f"Nothing can be kept in {settings.spool} ({fact}): give write access there, or name another place in SPOOL"
        ) from None
    environ = {**os.environ, **settings.environ()}  # noqa: TID251 — handed on to what this becomes
    os.execve(arguments[0], arguments, environ)  # noqa: S606 — becomes the server, so that signals reach it
