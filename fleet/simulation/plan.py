"""Which cases a run of the simulation holds, and what must be shown of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fleet.instance_types import Flavour
from fleet.simulation.comparison import ratios, repriced
from fleet.simulation.figures import Figures
from fleet.simulation.outcome import Outcome
from fleet.simulation.scenarios import (
    BRIDGED,
    CONTESTANTS,
    MONTH,
    OLD,
    ON_UPLOAD,
    ORACLE,
    OURS,
    PLACES,
    UNTOLD,
    Case,
    Place,
    patient,
    stretched,
)
from fleet.simulation.traces import Half

BOOTS = (0.5, 1.5)
PRICES = (0.5, 1.5)
SHOWN = {OURS, UNTOLD, BRIDGED, OLD, ON_UPLOAD, ORACLE}
LENGTHS = {"quick": 50.0, "usual": 2500.0, "full": 1e9}  # photos in a place at most; a longer one ends earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A place with more than `most_photos` is simulated for a shorter time.

    `idles` are fixed idle times that ours is also tried with; `lookers` is the share of page views that bring no photo.
    """

    traces: Path | None
    half: Half
    seeds: tuple[int, ...]
    flavour: Flavour = "gpu"
    most_photos: float = LENGTHS["usual"]
    only: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    idles: tuple[float, ...] = ()
    lookers: float = 0.0
    figures: Figures = field(default_factory=Figures)


def places(plan: Plan) -> list[Place]:
    """Every place, as long as this plan wants it."""
    crowds = [replace(place.crowd, lookers=plan.lookers) for place in PLACES]
    wanted = [replace(place, flavour=plan.flavour, crowd=crowd) for place, crowd in zip(PLACES, crowds, strict=True)]
    return [_shortened(place, plan.most_photos) for place in wanted]


def cases(plan: Plan) -> list[Case]:
    """Every policy in every place; in the first place also with boot times longer and shorter by half."""
    chosen = [place for place in places(plan) if not plan.only or any(word in place.name for word in plan.only)]
    known = [*CONTESTANTS, *map(patient, plan.idles)]
    found = [
        Case(place=place, contestant=each, seed=seed, half=plan.half, traces=plan.traces, figures=plan.figures)
        for place in chosen
        for each in known
        if not plan.policies or each.name in plan.policies
        for seed in (plan.seeds if place.long else plan.seeds[:1])
    ]
    months = [case for case in found if case.place.name == MONTH.name and case.contestant.name in SHOWN]
    if plan.most_photos > LENGTHS["quick"]:
        found += [replace(case, figures=stretched(plan.figures, boots=boots)) for boots in BOOTS for case in months]
    return found


def shown(plan: Plan, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The ratios that must hold, as they are and with boot times and prices changed by half."""
    of = dict(zip(cases, outcomes, strict=True))
    months = [case for case in cases if case.place.name == MONTH.name]
    for boots in (1.0, *BOOTS):
        figures = stretched(plan.figures, boots=boots) if boots != 1.0 else plan.figures
        here = [case for case in months if case.figures == figures]
        if not SHOWN.issubset(case.contestant.name for case in here):
            continue
        for prices in (1.0, *PRICES) if boots == 1.0 else (1.0,):
            found = {(case.contestant.name, case.seed): repriced(of[case], figures, case, spot=prices) for case in here}
            for ours in (UNTOLD, OURS, BRIDGED):
                yield f"{ours}; boot times × {boots:g}, prices of spot × {prices:g}:"
                yield from (f"  {line}" for line in ratios(found, ours=ours).lines)


def _shortened(place: Place, most_photos: float) -> Place:
    days = min(place.crowd.days, most_photos / place.crowd.photos_an_hour / 24)
    return replace(place, crowd=replace(place.crowd, days=days))
