"""The day's budgets beside what has been spent of them."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.checkup.finding import Finding, error, warning
from fleet.meter import PERIOD_MS, micro_dollars
from fleet.offers import DAY_MS
from fleet.policy import Policy
from jobs.settings import Settings
from jobs.table import JobTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Of today, UTC: counted launches, and dollars."""

    launches: int = 0
    warm_launches: int = 0
    on_demand: int = 0
    dollars: float = 0.0


def observed(table: JobTable, now: int) -> Spent:
    """Raises StoreBusy."""
    day = now // DAY_MS

    def total(counter: str) -> int:
        return table.total(f"{counter}/{day}", now=now)

    return Spent(
        launches=total("launches"),
        warm_launches=total("warm_launches"),
        on_demand=total("on_demand"),
        dollars=total("dollars") / 1e6,
    )


def findings(spent: Spent, settings: Settings) -> list[Finding]:
    """Pure. A budget counts as spent when the next launch does not fit."""
    found = []
    launch_usd = micro_dollars(Policy.of(settings).launch_usd, PERIOD_MS) / 1e6
    if settings.dollar_budget and launch_usd and spent.dollars + launch_usd > settings.dollar_budget:
        found.append(
            error(
                "budget_dollars",
                f"${spent.dollars:.2f} of today's ${settings.dollar_budget:.2f} are spent: no machine starts before "
                "00:00 UTC.",
                f"Wait, or set DOLLAR_BUDGET={settings.dollar_budget * 2:g} and restart API and tick.",
            )
        )
    if settings.launch_budget and spent.launches >= settings.launch_budget:
        found.append(
            error(
                "budget_launches",
                f"{spent.launches} of today's {settings.launch_budget} launches are used up: no machine starts before "
                "00:00 UTC.",
                f"Wait, or set LAUNCH_BUDGET={settings.launch_budget * 2} and restart API and tick.",
            )
        )
    if settings.warm_budget and spent.warm_launches >= settings.warm_budget:
        found.append(
            warning(
                "budget_warm",
                f"{spent.warm_launches} of today's {settings.warm_budget} warm launches are used up: until 00:00 UTC a "
                "machine starts only once a photo is accepted.",
                f"Wait, or set WARM_BUDGET={settings.warm_budget * 2} and restart API and tick.",
            )
        )
    on_ec2 = settings.fleet.startswith("ec2:")
    if on_ec2 and settings.on_demand_budget and spent.on_demand >= settings.on_demand_budget:
        found.append(
            warning(
                "budget_on_demand",
                f"{spent.on_demand} of today's {settings.on_demand_budget} launches at the full price are used up: "
                "photos wait when no spot machine is to be had.",
                f"Wait, or set ON_DEMAND_BUDGET={settings.on_demand_budget * 2} and restart API and tick.",
            )
        )
    return found
