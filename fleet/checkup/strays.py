"""Machines and volumes that nobody looks after: no slot names them, too old, or without a sign of life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from fleet.machines import Machine
from fleet.requests import PROJECT_TAG
from fleet.slots import Slot
from jobs.heartbeat import Heartbeat
from jobs.settings import Settings

GRACE_MS = 5 * 60_000  # a machine that was told to end, and one whose launcher still writes, are no strays


@dataclass(frozen=True, slots=True, kw_only=True)
class Strays:
    """What runs, and what is known of it. `ec2` says how a machine is ended by hand."""

    machines: Sequence[Machine]
    slots: Sequence[Slot]
    heartbeats: Sequence[Heartbeat]
    ready_deadline_ms: int
    hard_age_ms: int
    heartbeat_ms: int
    ec2: bool


def volumes_left(settings: Settings, questions: Questions | None) -> list[str]:
    """Our volumes that no machine holds. Raises Forbidden, StoreBusy."""
    if questions is None or not settings.fleet.startswith("ec2:"):
        return []
    filters = [
        {"Name": f"tag:{PROJECT_TAG}", "Values": [settings.project]},
        {"Name": "status", "Values": ["available"]},
    ]
    return [each["VolumeId"] for each in questions.ask("ec2", "describe_volumes", Filters=filters)["Volumes"]]


def findings(strays: Strays, now: int) -> list[Finding]:
    """Pure: at most one of each machine."""
    return [each for machine in strays.machines if (each := _stray(machine, strays, now))]


def volume_findings(volumes: Sequence[str]) -> list[Finding]:
    """Pure. `volumes` are ours by their tag, and held by no machine."""
    if not volumes:
        return []
    return [
        warning(
            "volume_left",
            f"No machine holds our {'volume' if len(volumes) == 1 else 'volumes'} {' '.join(volumes)}; that is billed.",
            "; ".join(f"`aws ec2 delete-volume --volume-id {each}`" for each in volumes) + ".",
        )
    ]


def _stray(machine: Machine, strays: Strays, now: int) -> Finding | None:
    name, age_ms = machine.name, now - machine.launched_ms
    by_slot = f"`firstlight machines stop {machine.slot}`"
    end = f"`aws ec2 terminate-instances --instance-ids {name}`" if strays.ec2 else by_slot
    slot = next((each for each in strays.slots if each.number == machine.slot), None)
    age = f"{age_ms / 60_000:.0f} minutes"
    if (slot is None or slot.epoch < machine.epoch) and age_ms > 0:
        return error(
            "orphan_machine",
            f"The machine {name} carries our tag, and no slot of this table names it: it is {age} old, and billed.",
            f"End it: {end}; if another installation launched it, give each its own PROJECT.",
        )
    if slot is not None and slot.epoch > machine.epoch and age_ms > GRACE_MS:
        return error(
            "orphan_machine",
            f"The machine {name} is of an older launch of slot {machine.slot}: it is {age} old, and billed.",
            f"Start the tick (`firstlight tick`), which ends it, or do so yourself: {end}.",
        )
    if age_ms > strays.hard_age_ms + GRACE_MS:
        return error(
            "machine_too_old",
            f"The machine {name} is {age_ms / 3_600_000:.1f} hours old, and HARD_AGE_S allows "
            f"{strays.hard_age_ms / 3_600_000:.1f}.",
            f"Start the tick (`firstlight tick`), which ends it, or do so yourself: {end}.",
        )
    signs = [each for each in strays.heartbeats if (each.slot, each.epoch) == (machine.slot, machine.epoch)]
    alive = any(each.is_fresh(now=now, heartbeat_ms=strays.heartbeat_ms) for each in signs)
    if not alive and age_ms > strays.ready_deadline_ms + GRACE_MS:
        return error(
            "machine_silent",
            f"The machine {name} is up for {age} and shows no sign of life.",
            f"Start the tick (`firstlight tick`), which ends it, or do so yourself: {end}.",
        )
    return None
