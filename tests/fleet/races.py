"""A race: several launchers, a cloud in bad weather and workers that come and go, as a seed decides."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

from fleet.ec2 import Ec2Fleet
from fleet.ladder import Terms
from fleet.launcher import Launcher
from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.stand_in.client import Client
from fleet.stand_in.instances import Instance
from fleet.stand_in.region import Region
from fleet.stand_in.weather import Weather
from jobs.blobs import FolderBlobs
from jobs.errors import StoreBusy
from jobs.heartbeat import Heartbeat, beat
from jobs.ledger import Ledger
from jobs.ports import Ports
from jobs.queue import SqliteQueue
from jobs.settings import Settings
from jobs.table import Row, SqliteTable
from jobs.transitions import Terms as JobTerms
from tests.fleet.clocks import FakeClock
from tests.fleet.turns import Interleaved, Turns

LASTS_MS = 150_000
STATES = ("loading", "ready", "busy", "busy", "busy", "busy", "draining", "setup_failed")


@dataclass
class Seen:
    """What a race came to."""

    most_live: int = 0
    most_in_a_slot: int = 0
    launched: int = 0
    left_behind: int = 0
    turns: int = 0


def race(seed: int, *, machines: int = 2, launchers: int = 3) -> Seen:
    chance = Random(seed)
    clock = FakeClock()
    turns = Turns(chance, clock, deaths=chance.choice([0, 0.004]), naps=chance.choice([0, 0.01]))
    ends_ms = clock.ms + LASTS_MS
    seen = Seen()
    weather = Weather(
        chance=chance,
        lost_before=chance.choice([0, 0.1, 0.3]),
        lost_after=chance.choice([0, 0.1, 0.3]),
        throttled=chance.choice([0, 0.1]),
        declined=chance.choice([0, 0.2]),
        dry=chance.choice([0, 0.3, 0.9]),
        least_lag_ms=chance.choice([0, 0, 30_000]),
        lag_ms=chance.choice([0, 2000, 45_000]),
        boot_ms=5000,
        shutdown_ms=chance.choice([0, 10_000]),
        replays_ended=chance.random() < 0.5,
    )

    staleness = chance.choice([0, 0.5])

    def started(_: Instance) -> None:
        live = region.live()
        seen.launched += 1
        seen.most_live = max(seen.most_live, len(live))
        seen.most_in_a_slot = max(seen.most_in_a_slot, *Counter(each.tags[SLOT_TAG] for each in live).values())

    region = Region(clock=clock, weather=weather, zones=("us-east-1a", "us-east-1b"), started=started)
    table = SqliteTable(":memory:")
    for number in range(chance.choice([1, 5, 40])):
        table.insert(Row(key=f"photo/{number}", doc="{}", group="queued", rank_ms=clock.ms))
    settings = Settings(fleet="ec2:firstlight", max_machines=machines, target_wait_s=1.0, on_demand_budget=1)

    def launcher(settings: Settings, *, interleaved: bool = True) -> Launcher:
        stores = Interleaved(table, turns, stale=lambda: chance.random() < staleness) if interleaved else table
        client = Client(region, before=lambda _: turns.give_up())
        fleet = Ec2Fleet(
            lambda: client,
            stores,
            clock=clock,
            terms=Terms.of(settings.fleet, settings.flavours),
            project="firstlight",
            slots=settings.max_machines,
            on_demand_budget=settings.on_demand_budget,
        )
        ports = Ports(
            blobs=FolderBlobs("never-used"),
            queue=SqliteQueue(":memory:", clock=clock),
            table=stores,
            ledger=Ledger(stores, terms=JobTerms(lease_ms=30_000, keep_ms=1000), clock=clock),
            clock=clock,
            job_deadline_ms=1000,
        )
        return Launcher(ports, settings, fleet)

    def launch() -> None:
        ours = launcher(settings)
        while clock.ms < ends_ms:
            with suppress(StoreBusy):
                if chance.random() < 0.3:
                    ours.reap()
                ours.ensure(chance.choice(["upload", "tick", "view", "pick"]))
            turns.give_up(rest_ms=chance.choice([0, 500, 3000, 10_000]))

    def live_and_die() -> None:
        while clock.ms < ends_ms:
            turns.give_up(rest_ms=2000)
            region.elapse()
            if not (live := region.live()):
                continue
            instance = chance.choice(live)
            if chance.random() < 0.25:
                region.end(instance.id, why="Client.InstanceInitiatedShutdown")
            elif chance.random() < 0.1:
                region.announce(instance.id, in_ms=2000)
            else:
                slot, epoch = int(instance.tags[SLOT_TAG]), int(instance.tags[EPOCH_TAG])
                state = chance.choice(STATES)
                known = {"started_ms": clock.ms, "beat_ms": clock.ms}
                if state == "busy":
                    known |= {"ready_ms": clock.ms, "last_job_ms": clock.ms}
                beat(table, Heartbeat(worker=f"slot{slot}-{epoch}", slot=slot, epoch=epoch, state=state, **known))

    for _ in range(launchers):
        turns.add(launch)
    turns.add(live_and_die)
    turns.play()
    seen.turns = turns.taken

    # Fair weather, nobody wants a machine any more, and the workers never say a word: the reaper alone.
    region.weather = Weather(chance=chance, lag_ms=2000)
    reaper = launcher(replace(settings, hard_age_s=3600.0, ready_deadline_s=300.0), interleaved=False)
    for _ in range(30):
        reaper.reap()
        clock.pass_s(20)
    seen.left_behind = len(region.live())
    return seen
