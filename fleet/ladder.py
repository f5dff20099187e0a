"""The ladder of offers for one machine: which flavour, on which market, in which pools; pure.

    spot, first flavour ─▶ spot, other flavour ─▶ on demand, while today's cap lasts ─▶ none: stay queued and say why

A rung is left when EC2 has refused all of its pools; a pool that refused is asked again after ten minutes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fleet.instance_types import FLAVOURS, Flavour, Market, types_of

MARKETS: tuple[Market, ...] = ("spot", "on-demand")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the operator wants: a launch template for each flavour, the likeliest flavour first."""

    templates: Mapping[Flavour, str]
    flavours: tuple[Flavour, ...]

    @classmethod
    def of(cls, fleet: str, flavours: str) -> Terms:
        """From `ec2:TEMPLATE` or `ec2:GPU-TEMPLATE/CPU-TEMPLATE`, and `gpu,cpu` in the wanted order."""
        named = fleet.partition(":")[2].split("/")
        wanted = tuple(known for each in flavours.split(",") for known in FLAVOURS if known == each.strip())
        return cls(templates={"gpu": named[0], "cpu": named[-1]}, flavours=wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    id: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One instance type in one zone's subnet."""

    type: str
    subnet: Subnet

    def key(self, market: Market) -> str:
        return f"{market}/{self.type}/{self.subnet.zone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one CreateFleet call asks for: one machine in any of these pools."""

    flavour: Flavour
    market: Market
    pools: tuple[Pool, ...]


def rungs(terms: Terms, subnets: Sequence[Subnet]) -> list[Offer]:
    """Every offer there could be, best first."""
    return [
        Offer(
            flavour=flavour,
            market=market,
            pools=tuple(Pool(type=each.name, subnet=subnet) for each in types_of(flavour) for subnet in subnets),
        )
        for market in MARKETS
        for flavour in terms.flavours
    ]


def offer(terms: Terms, subnets: Sequence[Subnet], refused: Collection[str], *, on_demand_left: bool) -> Offer | None:
    """The best rung that has a pool which has not refused lately, with those pools only; None when there is none.

    `refused` holds the keys of those that have.
    """
    for rung in rungs(terms, subnets):
        if rung.market == "on-demand" and not on_demand_left:
            continue
        pools = tuple(pool for pool in rung.pools if pool.key(rung.market) not in refused)
        if pools:
            return Offer(flavour=rung.flavour, market=rung.market, pools=pools)
    return None
