"""The program `firstlight`: each command is loaded only when it is called."""

from __future__ import annotations

import importlib

import click

COMMANDS = {  # name → what it does, in the order of the help text
    "up": "Run the service on this machine: API, tick, and workers as they are needed.",
    "rehearse": "Run the service as it runs on AWS, with no account, on a stand-in for AWS.",
    "enhance": "Brighten photos right here, without a server.",
    "serve": "Run the API alone, in the foreground, as in a container.",
    "send": "Send photos to a running service, and fetch their bright pictures.",
    "tick": "Sweep jobs, reap machines and start those that are needed, for ever or once.",
    "worker": "Run one worker that drains the queue.",
    "jobs": "List, watch and show photos; retry, cancel, bring dead letters back.",
    "machines": "List, watch and end the machines that run workers.",
    "doctor": "Look for what is wrong with this installation, and say what cures it.",
    "page": "Build the page that people open, unless it is built already.",
    "setup": "Make the bucket, the queues and the table in AWS that the settings will name.",
    "train": "Train the network on a folder of photos.",
    "train-exposure": "Train the small head behind `auto` and the look on a folder of photos.",
    "simulate": "Compare what policies cost and how long people wait, under a virtual clock.",
    "bench": "Measure this machine: upload to result, beside the old network.",
}


class Commands(click.Group):
    """Commands by name, imported when called, so that `firstlight --help` needs no torch."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="firstlight")
def main() -> None:
    """Firstlight brightens photos taken in the dark. Settings come from the environment; README lists them."""
