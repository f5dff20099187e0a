"""Service quotas: how many vCPUs of each kind the account may run, which for GPUs is none in a new account.

Codes and names are those of Service Quotas, Amazon EC2; default values differ by account, so they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from fleet.instance_types import Flavour, Market, types_of
from fleet.ladder import Terms
from jobs.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`vcpus` is what the account may have of it at once; None when AWS does not say."""

    flavour: Flavour
    market: Market
    vcpus: float | None

    @property
    def code(self) -> str:
        return QUOTAS[self.flavour, self.market][0]

    @property
    def name(self) -> str:
        return QUOTAS[self.flavour, self.market][1]


QUOTAS: dict[tuple[Flavour, Market], tuple[str, str]] = {
    ("gpu", "spot"): ("L-3819A6DF", "All G and VT Spot Instance Requests"),
    ("cpu", "spot"): ("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
    ("gpu", "on-demand"): ("L-DB2E81BA", "Running On-Demand G and VT instances"),
    ("cpu", "on-demand"): ("L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"),
}


def observed(questions: Questions, settings: Settings) -> list[Quota]:
    """The quotas that the settings may use. Raises Forbidden, StoreBusy and Declined."""
    flavours = Terms.of(settings.fleet, settings.flavours).flavours
    markets: list[Market] = ["spot", "on-demand"] if settings.on_demand_budget else ["spot"]
    return [
        Quota(flavour=flavour, market=market, vcpus=_vcpus(questions, QUOTAS[flavour, market][0]))
        for market in markets
        for flavour in flavours
    ]


def _vcpus(questions: Questions, code: str) -> float | None:
    answer = questions.ask("service-quotas", "get_service_quota", ServiceCode="ec2", QuotaCode=code)
    value = answer["Quota"].get("Value")
    return None if value is None else float(value)


def findings(quotas: list[Quota], *, region: str, machines: int) -> list[Finding]:
    """Pure. `machines` is MAX_MACHINES. The first quota, that of the flavour wanted first on spot, is an error where it
    is too small for one machine; all else is a warning.
    """
    return [found for place, quota in enumerate(quotas) if (found := _finding(quota, place, region, machines))]


def _finding(quota: Quota, place: int, region: str, machines: int) -> Finding | None:
    least = min(each.vcpus for each in types_of(quota.flavour))
    if quota.vcpus is None or quota.vcpus >= least * machines:
        return None
    wanted = max(8, least * machines)
    none = quota.vcpus < least
    can = "not one machine" if none else f"{int(quota.vcpus // least)} of {machines} machines"
    cure = (
        "Ask for more: `aws service-quotas request-service-quota-increase --service-code ec2 "
        f"--quota-code {quota.code} --desired-value {wanted} --region {region}`, or "
        f"https://{region}.console.aws.amazon.com/servicequotas/home/services/ec2/quotas/{quota.code}"
    )
    if quota.flavour == "gpu" and quota.market == "spot":
        cure += "; until then set FLAVOURS=cpu"
    return (error if none and place == 0 else warning)(
        f"quota_{quota.flavour}_{quota.market.replace('-', '_')}",
        f"The account may run {quota.vcpus:.0f} vCPUs of `{quota.name}` in {region}: {can}.",
        cure + ".",
    )
