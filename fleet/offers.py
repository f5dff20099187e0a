"""What may be asked of EC2 now: the ladder, less the pools that refused lately, within the day's cap on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fleet.ladder import Offer, Subnet, Terms, offer
from fleet.machines import LaunchRefused, NoCapacity
from fleet.pools import refused_pools, spare_pools
from fleet.refusals import QUOTA, consequence, cure
from fleet.subnets import SubnetCalls, find_subnets
from jobs.clients import Declined, reaching
from jobs.errors import StoreUnusable
from jobs.table import JobTable

SUBNETS_KEPT_MS = 10 * 60_000
DAY_MS = 86_400_000


class Offers:
    """Shared by all processes through the table, but for the subnets."""

    def __init__(
        self,
        ec2: Callable[[], SubnetCalls],
        table: JobTable,
        *,
        terms: Terms,
        project: str,
        subnets: Sequence[str],
        on_demand_budget: int,
    ) -> None:
        self._ec2 = ec2
        self._table = table
        self._terms = terms
        self._project = project
        self._named = subnets
        self._on_demand_budget = on_demand_budget
        self._subnets: tuple[int, list[Subnet]] | None = None

    def best(self, now: int) -> Offer:
        """Raises NoCapacity when every pool has refused lately, LaunchRefused when waiting does not help."""
        subnets = self._known_subnets(now)
        if not subnets:
            raise LaunchRefused("There is no subnet to start machines in: set SUBNETS, or tag some.", answered=False)
        refused = refused_pools(self._table, now=now)
        left = self._table.total(f"on_demand/{now // DAY_MS}", now=now) < self._on_demand_budget
        best = offer(self._terms, subnets, refused, on_demand_left=left)
        if best is not None:
            return best
        codes = sorted({each.code for each in refused.values()})
        if codes == [QUOTA]:
            raise LaunchRefused(cure(QUOTA, ""), answered=False)
        said = f"{len(refused)} pools refused within ten minutes ({', '.join(codes)})"
        again_ms = min((each.until_ms for each in refused.values()), default=0)
        raise NoCapacity(said if left else f"{said}; nothing more on demand today", again_ms=again_ms, answered=False)

    def reserve(self, wanted: Offer, now: int) -> bool:
        """Count it against the day's cap, if it is on demand; False when the cap is reached."""
        return wanted.market == "spot" or self._on_demand(1, now, limit=self._on_demand_budget) is not None

    def release(self, wanted: Offer, reserved_ms: int, now: int) -> None:
        """It was not launched after all; a day that is over is let go."""
        if wanted.market == "on-demand" and reserved_ms // DAY_MS == now // DAY_MS:
            self._on_demand(-1, now)

    def spare(self, codes: dict[str, str], now: int) -> NoCapacity | LaunchRefused | None:
        """Remember the pools that refused; why there are no others to ask at once, or None when there are."""
        spare_pools(self._table, codes, now=now)
        try:
            self.best(now)
        except (NoCapacity, LaunchRefused) as none:
            return none
        return None

    def _on_demand(self, amount: int, now: int, *, limit: int | None = None) -> int | None:
        day = now // DAY_MS
        return self._table.add(f"on_demand/{day}", amount, limit=limit, expires_ms=(day + 1) * DAY_MS, now=now)

    def _known_subnets(self, now: int) -> list[Subnet]:
        if self._subnets is None or not 0 <= now - self._subnets[0] < SUBNETS_KEPT_MS:
            try:
                with reaching("ec2"):
                    found = find_subnets(self._ec2(), named=self._named, project=self._project)
            except (StoreUnusable, Declined) as error:
                raise LaunchRefused(f"The subnets cannot be read: {error}", answered=False) from error
            self._subnets = (now, found)
        return self._subnets[1]


def meant(wanted: Offer, code: str, override: dict[str, Any]) -> dict[str, str]:
    """The code by the key of each pool of the offer that an error is about: those it names, or all.

    A quota is about every pool of the flavour on this market.
    """
    type_, subnet, zone = (override.get(name) for name in ("InstanceType", "SubnetId", "AvailabilityZone"))
    quota = consequence(code) == "quota"
    return {
        pool.key(wanted.market): code
        for pool in wanted.pools
        if quota
        or (
            type_ in (None, pool.type)
            and subnet in (None, pool.subnet.id)
            and (subnet is not None or zone in (None, pool.subnet.zone))
        )
    }
