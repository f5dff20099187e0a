"""The worlds that are simulated, the policies that are compared in them, and how one meets the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Literal

from fleet.instance_types import Flavour
from fleet.launcher import Launcher
from fleet.presence import Presence
from fleet.simulation.figures import Figures, Phase
from fleet.simulation.governors import AlwaysOn, Governor, Launching, Sign
from fleet.simulation.oracle import foretold
from fleet.simulation.outcome import Outcome
from fleet.simulation.scaling_group import ScalingGroup
from fleet.simulation.traces import (
    CARRIED_PROFILE,
    Capacity,
    Half,
    carried_capacity,
    recorded_capacity,
    recorded_profile,
)
from fleet.simulation.visits import FLAT, Crowd, Profile, Visit, drawn
from fleet.simulation.world import World
from jobs.settings import Settings

START_MS = 1_793_491_200_000  # 2026-11-01 00:00 UTC
Kind = Literal["launcher", "always on", "scaling group", "oracle"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A policy: who governs, which signs it heeds, how long its machines stay idle. None: the cloud's settings.

    With `told` pages say when their visitor leaves; Figures.leavers is how many do.
    """

    name: str
    kind: Kind = "launcher"
    signs: tuple[Sign, ...] = ()
    idle_s: float | None = None
    learns: bool = False
    old_boot: bool = False
    budgets: bool = False
    bridged: bool = False
    told: bool = False
    alarm_out: int = 3


OURS = "ours"
BRIDGED = "ours, BRIDGE=1"
UNTOLD = "ours, no leave told"
OLD = "old system"
ON_UPLOAD = "launch on upload"
ORACLE = "oracle"
CONTESTANTS = (
    Contestant(name=OLD, signs=("upload",), idle_s=600.0, old_boot=True),
    Contestant(name="always on", kind="always on"),
    Contestant(name=ON_UPLOAD, signs=("upload",)),
    Contestant(name="launch on view", signs=("view", "pick", "upload")),
    Contestant(name="scaling group", kind="scaling group"),
    Contestant(name="scaling group, 1 min", kind="scaling group", alarm_out=1),
    Contestant(name=UNTOLD, signs=("view", "pick", "upload"), learns=True, budgets=True),
    Contestant(name=OURS, signs=("view", "pick", "upload"), learns=True, budgets=True, told=True),
    Contestant(name=BRIDGED, signs=("view", "pick", "upload"), learns=True, budgets=True, bridged=True, told=True),
    Contestant(name=ORACLE, kind="oracle"),
)


def patient(idle_s: float) -> Contestant:
    """Ours, but for an idle time that follows nobody's habits: a point of the curve on which any such timer lies."""
    return Contestant(name=f"ours, IDLE_S={idle_s:g}", signs=("view", "pick", "upload"), idle_s=idle_s, budgets=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A world to be simulated. `machines` is MAX_MACHINES; `steady`: nobody sleeps at night, the traffic is even."""

    name: str
    crowd: Crowd
    machines: int = 1
    flavour: Flavour = "gpu"
    steady: bool = False
    budgets: bool = True

    @property
    def long(self) -> bool:
        """Whether worlds of this kind differ enough that one is too few, and are small enough for several."""
        return self.crowd.photos < 5000


MONTH = Place(name="200 visits × 5 photos a month", crowd=Crowd(photos_an_hour=1000 / 720, days=30))
PLACES = (
    MONTH,
    Place(name="1 photo an hour, four weeks", crowd=Crowd(photos_an_hour=1, days=28)),
    Place(name="100 photos an hour, two weeks", crowd=Crowd(photos_an_hour=100, days=14), budgets=False),
    Place(
        name="10,000 photos an hour, two hours",
        crowd=Crowd(photos_an_hour=10_000, days=2 / 24),
        machines=16,
        steady=True,
        budgets=False,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One policy in one world under one seed. `traces` None: what was carried over from them."""

    place: Place
    contestant: Contestant
    seed: int
    half: Half = "reporting"
    traces: Path | None = None
    figures: Figures = field(default_factory=Figures)


CLOUD = Settings(
    fleet="ec2:firstlight",
    idle_least_s=25.0,
    idle_s=90.0,
    idle_most_s=600.0,
    warm_budget=20,
    dollar_budget=5.0,
    on_demand_budget=2,
)


def simulate(case: Case) -> Outcome:
    """What becomes of it; the same case has the same outcome."""
    place, contestant = case.place, case.contestant
    seed = f"{place.name}/{place.flavour}/{case.half}/{case.seed}"
    visits = visits_of(case, seed)
    if contestant.kind == "oracle":
        return foretold(visits, case.figures, place.flavour, most=place.machines, seed=seed)
    chance = Random(f"{seed}/weather")
    span_s = place.crowd.days * 86_400
    world = World(
        settings=_settings(case),
        flavour=place.flavour,
        figures=case.figures,
        visits=visits,
        capacities=_capacities(case, chance),
        start_ms=START_MS,
        span_s=span_s,
        shift_s=chance.uniform(0.0, 40 * 86_400.0) if case.traces else 0.0,
        seed=seed,
        old_boot=contestant.old_boot,
        bridged=contestant.bridged,
    )
    return world.play(partial(_governor, case))


def visits_of(case: Case, seed: str) -> list[Visit]:
    """The people of this world, the same for every policy."""
    profile: Profile = FLAT
    if not case.place.steady:
        profile = recorded_profile(case.traces, case.half) if case.traces else CARRIED_PROFILE
    return drawn(
        case.place.crowd,
        profile,
        case.figures,
        case.place.flavour,
        start_ms=START_MS,
        chance=Random(f"{seed}/visits"),
    )


def stretched(figures: Figures, *, boots: float = 1.0, prices: float = 1.0) -> Figures:
    """The same world with other boot times, the old system's too, and other prices of spot machines."""
    changed: dict[str, Phase | float] = {
        name: getattr(figures, name) * prices for name in ("gpu_spot_hour", "cpu_spot_hour")
    }
    for name in Figures.__dataclass_fields__:
        if isinstance(phase := getattr(figures, name), Phase):
            changed[name] = Phase(floor=phase.floor * boots, typical=phase.typical * boots)
    for name in ("old_boot_least_s", "old_boot_most_s"):
        changed[name] = getattr(figures, name) * boots
    return replace(figures, **changed)  # type: ignore[arg-type]


def _settings(case: Case) -> Settings:
    contestant = case.contestant
    least_s, idle_s, most_s = CLOUD.idle_least_s, CLOUD.idle_s, CLOUD.idle_most_s
    if contestant.idle_s is not None:
        idle_s = contestant.idle_s
    heartbeat_s, lease_s = CLOUD.heartbeat_s, CLOUD.lease_s
    if not contestant.learns:
        least_s, most_s = 0.0, 0.0
    if contestant.kind != "launcher":
        heartbeat_s, lease_s = 60.0, 300.0  # nobody listens: less to simulate
        idle_s = case.place.crowd.span_ms / 1000 + 86_400.0  # who governs ends the machines
    return replace(
        CLOUD,
        flavours=case.place.flavour,
        bridge=int(contestant.bridged),
        heartbeat_s=heartbeat_s,
        lease_s=lease_s,
        max_machines=case.place.machines,
        idle_least_s=least_s,
        idle_s=idle_s,
        idle_most_s=most_s,
        warm_budget=(CLOUD.warm_budget if case.place.budgets and contestant.budgets else 0),
        dollar_budget=(CLOUD.dollar_budget if case.place.budgets and contestant.budgets else 0.0),
        on_demand_budget=_on_demand(case),
    )


def _governor(case: Case, world: World) -> Governor:
    contestant, figures = case.contestant, case.figures
    fleet = world.fleet()
    if contestant.kind == "always on":
        return AlwaysOn(fleet=fleet, agenda=world.agenda, machines=_always(case), epochs={})
    if contestant.kind == "scaling group":
        work_s = figures.work_s(case.place.flavour)
        return ScalingGroup(
            fleet=fleet,
            queue=world.ports.queue,
            agenda=world.agenda,
            figures=figures,
            most=case.place.machines,
            target=0.5 if case.place.machines == 1 else world.settings.target_wait_s / work_s,
            warm_up_s=sum(figures.boot(case.place.flavour, Random(0))),
            alarm_out=contestant.alarm_out,
        )
    return Launching(
        launcher=Launcher(world.ports, world.settings, fleet),
        ports=world.ports,
        settings=world.settings,
        agenda=world.agenda,
        signs=contestant.signs,
        presence=Presence(world.ports, world.settings) if contestant.told else None,
    )


def _on_demand(case: Case) -> int:
    """Launches at the full price a day. Who is always on would never come back from it, and waits for spot instead."""
    if case.contestant.kind == "always on":
        return 0
    return CLOUD.on_demand_budget if case.place.budgets else 1000


def _always(case: Case) -> int:
    """As many machines as the hourly work fills to four fifths."""
    work_s = case.figures.work_s(case.place.flavour) * case.place.crowd.photos_an_hour
    return max(1, min(case.place.machines, round(work_s / 3600 / 0.8 + 0.5)))


def _capacities(case: Case, chance: Random) -> list[Capacity]:
    if case.traces:
        return recorded_capacity(case.traces, case.place.flavour, case.half)
    return carried_capacity(case.place.flavour, days=case.place.crowd.days + 1, chance=chance)
