"""Small worlds for the simulation's tests, each played once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from fleet.simulation import scenarios
from fleet.simulation.figures import Figures, Phase
from fleet.simulation.governors import Governor
from fleet.simulation.outcome import Outcome
from fleet.simulation.scenarios import CONTESTANTS, OURS, START_MS, Case, Contestant, Place, simulate
from fleet.simulation.traces import Capacity
from fleet.simulation.visits import Crowd, Visit
from fleet.simulation.world import World

NAMED = {each.name: each for each in CONTESTANTS}
TINY = Place(name="eight hours", crowd=Crowd(photos_an_hour=4, days=8 / 24), steady=True)
HOUR_S = 3600
ALWAYS = Capacity(zone="a", step_s=60.0, there=(True,) * 160)
NEVER = Capacity(zone="a", step_s=60.0, there=(False,) * 160)


@cache
def played(name: str, seed: int = 1, place: Place = TINY) -> Outcome:
    return simulate(Case(place=place, contestant=NAMED[name], seed=seed))


def fixed(*, boot_s: float = 50.0) -> Figures:
    """A world in which every boot takes as long as every other."""
    nothing = Phase(floor=0.0, typical=0.0)
    names = [name for name in Figures.__dataclass_fields__ if isinstance(getattr(Figures(), name), Phase)]
    return replace(Figures(), **dict.fromkeys(names, nothing) | {"gpu_kernel": Phase(floor=boot_s, typical=boot_s)})


def visit(
    at_s: float, *, photos: int = 2, think_s: float = 20.0, between_s: float = 15.0, work_s: float = 1.0
) -> Visit:
    return Visit(
        view_ms=START_MS + round(at_s * 1000),
        think_s=think_s,
        transfer_s=(2.0,) * photos,
        work_s=(work_s,) * photos,
        between_s=(between_s,) * max(0, photos - 1),
    )


def seed_of(place: Place, seed: int = 1) -> str:
    return f"{place.name}/{place.flavour}/reporting/{seed}"


def world(
    visits: list[Visit], capacities: list[Capacity], *, contestant: Contestant = NAMED[OURS], **settings: object
) -> World:
    case = Case(place=replace(TINY, crowd=Crowd(photos_an_hour=1, days=0.1)), contestant=contestant, seed=1)
    return World(
        settings=replace(scenarios._settings(case), **settings),
        flavour="gpu",
        figures=fixed(),
        visits=visits,
        capacities=capacities,
        start_ms=START_MS,
        span_s=8640.0,
        seed="w",
        bridged=contestant.bridged,
    )


def govern(made: World, contestant: Contestant = NAMED[OURS]) -> Governor:
    return scenarios._governor(Case(place=TINY, contestant=contestant, seed=1), made)
