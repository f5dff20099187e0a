"""How our machine ends: each way once, for real, in QEMU. Nothing outside ends it but in the last one, the reaper."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.machine import Disk
from bench.small_cloud import GUEST_AWS, PROJECT, TEMPLATE
from bench.trials import NEVER, PATIENT, Ours, World
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from jobs.heartbeat import heartbeats

OFF_S = 2400.0  # on a machine that is busy with other things
LOOK_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What the machine meets, and all the words that its console must have said before it was off."""

    world: World
    words: tuple[str, ...]


# Nobody can advise how long to wait, so that the longest time that user data allow is what ends it.
NOWHERE = {
    "TABLE": "dynamodb://nowhere",
    "QUEUE": f"http://{GUEST_AWS}/123456789012/nowhere",
    "BLOBS": "s3://nowhere-at-all",
    "IDLE_S": "10",
    "IDLE_LEAST_S": "5",
    "IDLE_MOST_S": "30",
}
WAYS = {
    "idle": Way(world=World(environ=PATIENT | {"IDLE_S": "5"}), words=("the worker ends",)),
    "not ready in time": Way(
        world=World(environ=PATIENT | {"READY_DEADLINE_S": "30"}), words=("is not ready 30 s after boot",)
    ),
    "too old by its tag": Way(world=World(environ=PATIENT | NEVER, age_s=60.0), words=("s old and may become",)),
    "hostile user data": Way(world=World(environ={"QUEUE": "$(reboot)"}), words=("mend the launch template",)),
    "no tags": Way(world=World(hidden=("meta-data/tags",)), words=("no usable tag firstlight-slot",)),
    "nobody answers": Way(world=World(answers=False), words=("metadata cannot be reached in",)),
    "an engine that is not there": Way(world=World(environ=PATIENT | {"ENGINE": "torch"}), words=("is not installed",)),
    "stores that do not exist": Way(
        world=World(environ=PATIENT | NOWHERE),
        words=("table does not exist", "queue does not exist", "no advice can be read", "the worker ends"),
    ),
    "a clock far ahead": Way(
        world=World(environ=PATIENT | NEVER, clock="2040-01-01T00:00:00"), words=("s old and may become",)
    ),
    "a clock far behind": Way(
        world=World(environ=PATIENT | NEVER | {"HARD_AGE_S": "60"}, clock="2001-01-01T00:00:00"),
        words=("s old and may become 60 s",),
    ),
    "too little memory": Way(
        world=World(environ={"READY_DEADLINE_S": "240", "IDLE_S": "3000"}, memory_mb=256), words=("Power down",)
    ),
    "reaper": Way(world=World(environ=PATIENT | NEVER), words=("engine ready",)),
}

USUAL = ("idle", "not ready in time", "too old by its tag", "hostile user data", "reaper")  # what `make try-boot` sees


def ends(disk: Disk, names: Iterable[str]) -> int:
    """See these ways through; how many machines did not end as they should. Raises KeyError for an unknown way."""
    failed = 0
    for name in names:
        way = WAYS[name]
        trial = Ours(disk, None, way.world)
        try:
            off = reaped(trial) if name == "reaper" else trial.machine.wait_off(OFF_S)
        finally:
            trial.close()
        unsaid = [words for words in way.words if not any(words in line for line in trial.machine.heard.words)]
        failed += bool(unsaid) or not off
        now = trial.machine.now()
        said = [line for line in trial.machine.heard.words if way.words[-1] in line]
        told = f"and never said {unsaid}" if unsaid else said[-1]
        print(f"{name}: {'off' if off else 'STILL ON'} after {now.wall_s:.0f} s on the wall: {told}", flush=True)
    return failed


def reaped(trial: Ours) -> bool:
    """Whether the reaper, which knows the machine by EC2's list and by its rows alone, ends it once it is too old.

    The machine must be ready before; EC2 pulls the plug where it would press the button.
    """
    region, settings = trial.cloud.region, trial.cloud.settings
    region.ended = lambda _: trial.machine.end()
    try_until = time.monotonic() + OFF_S
    while not any(each.ready_ms for each in heartbeats(trial.ports.table, since_ms=0)):
        if trial.machine.wait_off(LOOK_S) or time.monotonic() > try_until:
            print("\n".join(["reaper: the machine was never ready; its last words:", *trial.machine.heard.words[-40:]]))
            return False
    stops = []
    for hard_age_s in (settings.hard_age_s, 30.0):
        cloud = replace(settings, fleet=f"ec2:{TEMPLATE}", flavours="cpu", project=PROJECT, hard_age_s=hard_age_s)
        stops.append([each.why for each in Launcher(trial.ports, cloud, open_fleet(cloud, trial.ports)).reap()])
    print(f"reaper: {stops[0] or 'nothing'} to end by the usual age, {stops[1]} by one of 30 s")
    return stops == [[], ["too_old"]] and not region.live() and trial.machine.wait_off(LOOK_S)
