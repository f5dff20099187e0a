"""The roster: every machine and worker with what is known of it, for the operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet.checkup.questions import Questions
from fleet.instance_types import BY_NAME
from fleet.machines import LocalFleet, Machine
from fleet.requests import DEADLINE_TAG, PROJECT_TAG, UP, machine_of
from jobs.clock import Clock
from jobs.heartbeat import Heartbeat
from jobs.job import Job
from jobs.settings import Settings

MOST_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A machine that is up, as its fleet lists it. `deadline_ms` is its hard age's end; 0 when it has none."""

    machine: Machine
    type: str = ""
    market: str = ""
    deadline_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the roster. Times are wall-clock milliseconds UTC, None when there is none; money is dollars.

    `slot` −1: a worker that nobody launched. `photo` is the job in hand.
    """

    slot: int
    epoch: int
    name: str
    state: str
    flavour: str
    type: str
    market: str
    since_ms: int
    deadline_ms: int | None
    beat_ms: int | None
    last_job_ms: int | None
    photo: str | None
    engine: str
    usd: float


def machines_seen(settings: Settings, questions: Questions | None, clock: Clock) -> list[Seen]:
    """Our machines by their tag, or by their locks: a list alone, nothing is noted. Raises Forbidden, StoreBusy."""
    if settings.fleet.startswith("process:"):
        local = LocalFleet(settings.fleet.partition(":")[2], clock=clock).machines()
        age_ms = int(settings.hard_age_s * 1000)
        return [Seen(machine=each, deadline_ms=each.launched_ms + age_ms) for each in local]
    if questions is None or not settings.fleet.startswith("ec2:"):
        return []
    filters = [
        {"Name": f"tag:{PROJECT_TAG}", "Values": [settings.project]},
        {"Name": "instance-state-name", "Values": list(UP)},
    ]
    more: dict[str, str] = {}
    listed: list[dict[str, Any]] = []
    for _ in range(MOST_PAGES):
        answer = questions.ask("ec2", "describe_instances", Filters=filters, **more)
        listed += [each for reservation in answer["Reservations"] for each in reservation["Instances"]]
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    return [_seen(each) for each in listed if each["State"]["Name"] in UP]


def _seen(instance: dict[str, Any]) -> Seen:
    tags = {each["Key"]: each["Value"] for each in instance.get("Tags", [])}
    try:
        deadline = datetime.fromisoformat(tags.get(DEADLINE_TAG, ""))
    except ValueError:
        deadline = None
    return Seen(
        machine=machine_of(instance),
        type=instance.get("InstanceType", ""),
        market="spot" if instance.get("InstanceLifecycle") == "spot" else "on-demand",
        deadline_ms=int(deadline.timestamp() * 1000) if deadline else 0,
    )


def roster(seen: Sequence[Seen], heartbeats: Sequence[Heartbeat], running: Sequence[Job], *, now: int) -> list[Entry]:
    """Pure: the machines, then the workers that nobody launched, each with its newest sign of life."""
    held = {job.lease.holder: job.id for job in running if job.lease is not None}
    entries = []
    for each in seen:
        signs = [sign for sign in heartbeats if (sign.slot, sign.epoch) == (each.machine.slot, each.machine.epoch)]
        sign = max(signs, key=lambda one: one.beat_ms, default=None)
        entries.append(_entry(each, sign, held, now))
    others = [sign for sign in heartbeats if sign.slot < 0]
    entries += [_entry(None, sign, held, now) for sign in others]
    return sorted(entries, key=lambda entry: (entry.slot < 0, entry.slot, entry.epoch, entry.name))


def _entry(seen: Seen | None, sign: Heartbeat | None, held: dict[str, str], now: int) -> Entry:
    machine = seen.machine if seen else None
    known = BY_NAME.get(seen.type) if seen else None
    assert seen is not None or sign is not None
    since_ms = machine.launched_ms if machine else sign.started_ms if sign else now
    return Entry(
        slot=machine.slot if machine else -1,
        epoch=machine.epoch if machine else 0,
        name=machine.name if machine else sign.worker if sign else "",
        state=sign.state if sign else "booting",
        flavour=known.flavour if known else "",
        type=seen.type if seen else "",
        market=seen.market if seen else "",
        since_ms=since_ms,
        deadline_ms=(seen.deadline_ms or None) if seen else None,
        beat_ms=sign.beat_ms if sign else None,
        last_job_ms=(sign.last_job_ms or None) if sign else None,
        photo=held.get(sign.worker) if sign else None,
        engine=sign.engine if sign else "",
        usd=machine.usd_per_hour * max(0, now - since_ms) / 3_600_000 if machine else 0.0,
    )
