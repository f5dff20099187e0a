"""`firstlight machines`: the machines that run, and how to end them, for the operator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace

import click

from cli.columns import columns, length
from cli.stores import every_option, opened, watched
from fleet.checkup import breakers
from fleet.checkup.world import World
from fleet.fleets import open_fleet
from fleet.pools import refused_pools
from fleet.roster import Entry, machines_seen, roster
from fleet.slots import read_slots, write_slot
from jobs.errors import RowChanged, RowExists
from jobs.heartbeat import FORGET_AFTER_MS, heartbeats
from jobs.job import Job
from jobs.upkeep import NotPossible

as_json_option = click.option("--json", "as_json", is_flag=True, help="print JSON, for scripts")


@click.group()
def command() -> None:
    """List, watch and end the machines that run workers.

    For whoever has the stores and the account: TABLE and FLEET as the service has them.
    """


@command.command("list")
@as_json_option
def list_(*, as_json: bool) -> None:
    """List machines and workers: slot and epoch, state, kind, age, time left, last sign of life, photo, cost so far."""
    with opened() as world:
        entries = _entries(world)
        click.echo(json.dumps([asdict(each) for each in entries], indent=2) if as_json else _listed(world, entries))


@command.command()
@every_option(5.0, "AWS bills some of them")
def watch(*, every_s: float) -> None:
    """Show the list again and again, until Ctrl-C."""
    with opened() as world:
        watched(lambda: _listed(world, _entries(world)), every_s=every_s)


@command.command()
@click.argument("slot", required=False)
@click.option("--all", "every", is_flag=True, help="end every machine of ours")
@click.option("--kill", is_flag=True, help="end it at once; its photo costs an attempt")
def stop(*, slot: str | None, every: bool, kill: bool) -> None:
    """End the machine in SLOT (or of that name), which hands its photo back first.

    While photos wait, the next tick starts another: set MAX_MACHINES=0 for API and tick to prevent that.
    """
    if bool(slot) == every:
        raise click.UsageError("Say which SLOT, or --all.")
    with opened() as world:
        if world.settings.fleet.startswith("none:"):
            raise NotPossible("FLEET=none: somebody else runs the workers; end them where they were started.")
        seen = machines_seen(world.settings, world.questions, world.clock)
        chosen = [each.machine for each in seen if every or slot in (str(each.machine.slot), each.machine.name)]
        if not chosen and slot:
            there = ", ".join(str(each.machine.slot) for each in seen) or "none"
            raise NotPossible(f"Slot {slot} has no machine; machines are in slots: {there}.")
        if not chosen:
            click.echo("No machine runs.")
            return
        fleet, table = open_fleet(world.settings, world.stores), world.stores.table
        slots = {each.number: each for each in read_slots(table)}
        for machine in chosen:
            row = slots.get(machine.slot)
            if row is not None and row.epoch == machine.epoch and not row.stopping_ms:
                with suppress(RowChanged, RowExists):  # a launcher was faster: the machine ends all the same
                    write_slot(table, replace(row, stopping_ms=world.clock()))
            fleet.stop(machine, kill=kill)
            click.echo(f"{machine.name} (slot {machine.slot}) was asked to end{' at once' if kill else ''}.")
        waiting = world.stores.ledger.waiting()
    if waiting:
        click.echo(f"{waiting} photos wait, so the tick may start another: MAX_MACHINES=0 prevents that.")


def _entries(world: World) -> list[Entry]:
    now, ports = world.clock(), world.stores
    signs = heartbeats(ports.table, since_ms=now - FORGET_AFTER_MS)
    beat_ms = int(world.settings.heartbeat_s * 1000)
    seen = machines_seen(world.settings, world.questions, world.clock)
    living = [sign for sign in signs if sign.slot >= 0 or sign.is_fresh(now=now, heartbeat_ms=beat_ms)]
    running = [Job.from_json(row.doc) for row in ports.table.listed("running", limit=1000)]
    return roster(seen, living, running, now=now)


def _listed(world: World, entries: Sequence[Entry]) -> str:
    now, table = world.clock(), world.stores.table
    ec2 = world.settings.fleet.startswith("ec2:")
    troubles = breakers.findings(read_slots(table), refused_pools(table, now=now), ec2=ec2, now=now)
    lines = columns(HEAD, [_row(each, now) for each in entries]) if entries else ["No machine runs, and no worker."]
    return "\n".join([*lines, *(f"{each.says} {each.cure}" for each in troubles)])


HEAD = ("SLOT", "STATE", "KIND", "AGE", "LEFT", "SIGN", "PHOTO", "COST")


def _row(entry: Entry, now: int) -> tuple[str, ...]:
    if entry.photo:
        photo = entry.photo[:8]
    elif entry.last_job_ms:
        photo = f"{length(now - entry.last_job_ms)} ago"
    else:
        photo = "none yet"
    kind = f"{entry.type} {entry.market}".strip() or ("process" if entry.slot >= 0 else f"worker {entry.name[:8]}")
    return (
        f"{entry.slot}-{entry.epoch}" if entry.slot >= 0 else "–",
        entry.state,
        kind,
        length(now - entry.since_ms),
        length(entry.deadline_ms - now) if entry.deadline_ms else "",
        length(now - entry.beat_ms) if entry.beat_ms else "none",
        photo,
        f"${entry.usd:.2f}" if entry.usd else "",
    )
