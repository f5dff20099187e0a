"""The stores for a command that looks at them: opened if they are there, with a sentence where they are not."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from cli.settings import read_settings
from fleet.checkup.questions import Forbidden
from fleet.checkup.world import World, has_kept, open_world
from jobs.clients import Declined
from jobs.clock import now_ms
from jobs.errors import Refused, StoreBusy
from jobs.upkeep import NotPossible

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@contextmanager
def opened() -> Iterator[World]:
    """The settings and the stores that they name. Raises click.ClickException with the cure."""
    settings = read_settings()
    if not has_kept(settings):
        raise click.ClickException(
            f"Nothing has been kept in {settings.table} yet: send a photo first, or set TABLE, QUEUE and BLOBS (and "
            "be in the folder) of the service that you mean."
        )
    world = open_world(settings, clock=now_ms, sleep=time.sleep)
    try:
        yield world
    except NotPossible as fact:
        raise click.ClickException(str(fact)) from None
    except Refused as fact:
        raise click.ClickException(f"{fact.fault.title} {fact.fault.cure}") from None
    except Forbidden as fact:
        raise click.ClickException(f"The AWS identity lacks {fact.permission}: allow it (policies: deploy/).") from None
    except (StoreBusy, Declined, OSError, sqlite3.Error) as fact:
        raise click.ClickException(f"{fact}; `firstlight doctor` says what is wrong.") from None
    finally:
        world.stores.close()


def every_option(default: float, bills: str) -> Callable[[Decorated], Decorated]:
    """How often a list is drawn anew."""
    return click.option(
        "--every-s",
        type=click.FloatRange(0.1),
        default=default,
        show_default=True,
        help=f"seconds between two looks; {bills}",
    )


def watched(draw: Callable[[], str], *, every_s: float) -> None:
    """Draw again and again until Ctrl-C: in place on a terminal, else only what has changed."""
    before = ""
    on_terminal = sys.stdout.isatty()
    try:
        while True:
            text = draw()
            if on_terminal:
                click.clear()
            if on_terminal or text != before:
                click.echo(text)
            before = text
            time.sleep(every_s)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(0) from None
