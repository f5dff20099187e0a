"""The settings of this process's environment, or a sentence that says what is wrong with them."""

from __future__ import annotations

import os

import click

from jobs.settings import BadSetting, Settings


def read_settings() -> Settings:
    """Raises click.ClickException with the cure."""
    try:
        return Settings.read(os.environ)  # noqa: TID251 — every command is an entry point
    except BadSetting as fact:
        raise click.ClickException(str(fact)) from None
