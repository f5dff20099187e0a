"""Spot capacity that comes and goes, zone by zone, over the stand-in's region of EC2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fleet.simulation.agenda import Agenda
from fleet.simulation.traces import Capacity
from fleet.stand_in.region import Region
from fleet.stand_in.weather import Weather

NOTICE_S = 120.0
NO_SPOT = "InsufficientInstanceCapacity"


@dataclass(slots=True, kw_only=True)
class Drought(Weather):
    """All types of a zone share its capacity, as if they were one; on demand there is always a machine."""

    dry_zones: set[str] = field(default_factory=set)

    def refusal(self, market: str, type_: str, zone: str) -> str:
        del type_
        return NO_SPOT if market == "spot" and zone in self.dry_zones else ""


def zones_of(capacities: Sequence[Capacity]) -> tuple[str, ...]:
    """A name of ours for each recorded zone: recordings of several regions stand for the zones of one."""
    return tuple(f"us-east-1{'abcdefghij'[number]}" for number in range(len(capacities)))


def let_pass(
    region: Region,
    weather: Drought,
    agenda: Agenda,
    capacities: Sequence[Capacity],
    *,
    span_s: float,
    shift_s: float,
    warned: Callable[[str], object],
) -> None:
    """Put every change of capacity on the agenda. Where it goes, each spot machine gets its notice, two minutes."""

    def turn(zone: str, *, there: bool) -> None:
        if there:
            weather.dry_zones.discard(zone)
            return
        weather.dry_zones.add(zone)
        for each in region.live():
            if each.zone == zone and each.market == "spot" and each.notice_ms is None:
                region.announce(each.id, in_ms=round(NOTICE_S * 1000))
                warned(each.id)
                agenda.after(NOTICE_S, region.elapse)

    for zone, capacity in zip(zones_of(capacities), capacities, strict=True):
        for at_s, there in capacity.changes(span_s=span_s, shift_s=shift_s):

            def change(zone: str = zone, *, there: bool = there) -> None:
                turn(zone, there=there)

            agenda.after(at_s, change)
