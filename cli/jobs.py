"""`firstlight jobs`: the photos that are kept, for the operator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import click

from cli.columns import columns, length, size
from cli.stores import every_option, opened, watched
from jobs.clients import Clients
from jobs.dead_letters import dead_letters, replayed
from jobs.errors import FAULTS
from jobs.job import Job, State
from jobs.queue import region_in
from jobs.upkeep import MOST, cancelled, found, known, retried

STATES = click.Choice(get_args(State))
as_json_option = click.option("--json", "as_json", is_flag=True, help="print JSON, for scripts")
state_option = click.option("--state", "states", type=STATES, multiple=True, help="only these; may be given again")
most_option = click.option(
    "--limit", "most", type=click.IntRange(1), default=50, show_default=True, help="the newest so many at most"
)


@click.group()
def command() -> None:
    """List, watch and show photos; retry, cancel, and bring dead letters back.

    For whoever has the stores: TABLE, QUEUE and BLOBS as the service has them. An id may be shortened to its
    beginning.
    """


@command.command("list")
@state_option
@most_option
@as_json_option
def list_(*, states: tuple[str, ...], most: int, as_json: bool) -> None:
    """List the photos that are kept, oldest first."""
    with opened() as world:
        jobs = _chosen(known(world.stores), states, most)
        if as_json:
            click.echo(json.dumps([facts(job) for job in jobs], indent=2))
        else:
            click.echo(_listed(jobs, states, world.clock()))


@command.command()
@state_option
@most_option
@every_option(2.0, "DynamoDB bills each")
def watch(*, states: tuple[str, ...], most: int, every_s: float) -> None:
    """Show the list again and again, until Ctrl-C."""
    with opened() as world:
        watched(lambda: _listed(_chosen(known(world.stores), states, most), states, world.clock()), every_s=every_s)


@command.command()
@click.argument("job_id", metavar="ID")
@as_json_option
def show(*, job_id: str, as_json: bool) -> None:
    """Show all that is known of one photo, and why it failed if it did."""
    with opened() as world:
        told = facts(found(world.stores, job_id))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    wide = max(len(name) for name in told)
    for name, value in told.items():
        if value not in (None, "", {}):
            click.echo(f"{name.ljust(wide)}  {json.dumps(value) if isinstance(value, dict) else value}")


@command.command()
@click.argument("job_id", metavar="ID")
def retry(*, job_id: str) -> None:
    """Enhance a failed photo again, as a new job: an ended one never changes. Asked twice, it is the same new job."""
    with opened() as world:
        accepted = retried(world.stores, found(world.stores, job_id))
    job = accepted.job
    click.echo(f"{job.id}  {job.state}" + (" (it was retried before)" if accepted.replayed else ""))


@command.command()
@click.argument("job_id", metavar="ID")
def cancel(*, job_id: str) -> None:
    """End an unfinished photo and erase what is kept of it; whoever waits is told that it was cancelled."""
    with opened() as world:
        job = cancelled(world.stores, found(world.stores, job_id))
    click.echo(f"{job.id}  {job.state}")


@command.command()
def replay() -> None:
    """Bring dead letters back into line: messages that SQS set aside after 20 receipts.

    Those whose photo is finished or gone are dropped.
    """
    with opened() as world:
        settings = world.settings
        clients = Clients(region=region_in(settings.queue))
        dead = dead_letters(settings.queue, clients, clock=world.clock)
        if dead is None:
            click.echo(
                "This queue sets nothing aside: no letter is ever dead."
                if settings.queue.startswith("sqlite:")
                else "This queue has no dead-letter queue: `firstlight setup` makes and joins one."
            )
            return
        done = replayed(world.stores, dead)
    if not done.sent + done.dropped:
        click.echo("There are no dead letters.")
        return
    click.echo(f"{done.sent} back in line, {done.dropped} dropped: their photos are finished or gone.")


def facts(job: Job) -> dict[str, object]:
    """What an operator may see: no secrets, and times in UTC."""
    fault = FAULTS.get(job.error.code) if job.error else None
    return {
        "id": job.id,
        "state": job.state,
        "phase": job.phase,
        "progress": job.progress,
        "attempts": job.attempts,
        "error": job.error.code if job.error else None,
        "why": (job.error.detail or (fault.title if fault else "")) if job.error else None,
        "cure": fault.cure if fault else None,
        "created_at": _moment(job.created_ms),
        "started_at": _moment(job.started_ms),
        "ended_at": _moment(job.ended_ms),
        "deadline_at": _moment(job.deadline_ms),
        "expires_at": _moment(job.expires_ms),
        "ratio": job.ratio or "auto",
        "format": job.format,
        "photo": job.photo,
        "bytes": job.source_size,
        "source": job.source_key,
        "result": job.result.key if job.result else None,
        "worker": job.lease.holder if job.lease else None,
        "lease_until": _moment(job.lease.until_ms) if job.lease else None,
        "epoch": job.epoch,
        "sends": job.sends,
        "visitor": job.visitor,
        "deleted": job.deleted,
    }


def _chosen(jobs: Sequence[Job], states: Sequence[str], most: int) -> list[Job]:
    some = [job for job in jobs if not states or job.state in states]
    return some[max(0, len(some) - most) :]


def _listed(jobs: Sequence[Job], states: Sequence[str], now: int) -> str:
    if not jobs:
        return f"No photo is {' or '.join(states)}." if states else "No photo is kept."
    rows = [
        (
            job.id[:8],
            job.state,
            length(now - job.created_ms),
            str(job.attempts),
            size(job.source_size),
            _now(job),
        )
        for job in jobs
    ]
    lines = columns(("PHOTO", "STATE", "AGE", "TRIES", "SIZE", "NOW"), rows)
    if len(jobs) >= MOST:
        lines.append(f"There are more: only the first {MOST} were looked through.")
    return "\n".join(lines)


def _now(job: Job) -> str:
    if job.error is not None:
        fault = FAULTS.get(job.error.code, FAULTS["internal"])
        return f"{job.error.code}: {fault.title}"
    if job.state == "running":
        return f"{job.phase} {job.progress:.0%}"
    if job.result is not None:
        return f"{job.result.width} × {job.result.height}, ratio {job.result.ratio:.3g}"
    return str(job.phase or "").replace("_", " ")


def _moment(ms: int | None) -> str | None:
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
