"""What the simulation takes from the world: boot times, prices, work, visitors' habits; each with its source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from random import Random

from fleet.instance_types import BY_NAME, Flavour, Market

EKS = "published EKS and Karpenter traces, AWS docs, depot.dev; no run of ours on AWS"
BOOT = {"source": EKS}
SPREAD = 0.5  # sigma of the logarithm of what a phase takes beyond its floor: an assumption, heavier to the right


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Seconds: the least there ever is, and the median."""

    floor: float
    typical: float

    def drawn(self, chance: Random) -> float:
        return self.floor + (self.typical - self.floor) * math.exp(chance.gauss(0.0, SPREAD))


def _known(figure: float, source: str) -> float:
    known: float = field(default=figure, metadata={"source": source})
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds end in `_s`, dollars an hour in `_hour`. `old_` is the system of 2021; `_spread`: a lognormal's."""

    gpu_create_fleet: Phase = field(default=Phase(floor=1.0, typical=2.0), metadata=BOOT)
    gpu_kernel: Phase = field(default=Phase(floor=13.0, typical=20.0), metadata=BOOT)
    gpu_unit: Phase = field(default=Phase(floor=5.0, typical=9.0), metadata=BOOT)
    gpu_runtime: Phase = field(default=Phase(floor=4.0, typical=12.0), metadata=BOOT)
    gpu_weights: Phase = field(default=Phase(floor=1.5, typical=6.0), metadata=BOOT)
    cpu_create_fleet: Phase = field(default=Phase(floor=1.0, typical=2.0), metadata=BOOT)
    cpu_kernel: Phase = field(default=Phase(floor=9.0, typical=13.0), metadata=BOOT)
    cpu_unit: Phase = field(default=Phase(floor=3.0, typical=6.0), metadata=BOOT)
    cpu_runtime: Phase = field(default=Phase(floor=1.5, typical=4.0), metadata=BOOT)
    cpu_weights: Phase = field(default=Phase(floor=0.5, typical=1.5), metadata=BOOT)
    store_s: float = _known(0.5, "storing the result and telling: " + EKS)
    end_s: float = _known(5.0, "a host's shutdown after the worker's exit; assumed")
    least_billed_s: float = _known(60.0, "aws.amazon.com/ec2/pricing: Linux is billed by the second, 60 s at least")
    gpu_spot_hour: float = _known(0.265, "aws.amazon.com/ec2/spot/pricing: g4dn.xlarge, us-east-1, about; it moves")
    cpu_spot_hour: float = _known(0.066, "aws.amazon.com/ec2/spot/pricing: c7i.xlarge, us-east-1, about; it moves")
    address_hour: float = _known(0.005, "aws.amazon.com/vpc/pricing: each public IPv4 address")
    disk_hour: float = _known(
        0.0086,
        "aws.amazon.com/ebs/pricing: 16 GB of gp3 at $0.08 a GB and month of 730 h, and at $0.04 each the 125 MiB/s "
        "that deploy/ buys over the free ones; the same for every policy",
    )
    gpu_work_s: float = _known(
        1.4, "a 12 MP JPEG, warm: two cores without a GPU need 1.38 s (README); a GPU's host no less"
    )
    cpu_work_s: float = _known(1.4, "a 12 MP JPEG, warm, on two cores without a GPU: 1.38 s (README)")
    bridge_start_s: float = _known(
        1.5, "a worker's start with OpenVINO: 1.4 s here (bench.bridge, README: cold − warm)"
    )
    bridge_work_s: float = _known(6.0, "a 12 MP JPEG on one core of a t3.small beside the API; assumed, not measured")
    work_spread: float = _known(0.25, "sigma of the logarithm: photos differ in size and grain; assumed")
    old_boot_least_s: float = _known(60.0, "the author of 2021: a start takes one to two minutes")
    old_boot_most_s: float = _known(120.0, "the author of 2021: a start takes one to two minutes")
    old_idle_s: float = _known(600.0, "its worker's idle time, fixed")
    think_median_s: float = _known(
        25.0,
        "page opened → photo picked: users decide within 10–20 s, stay under a minute (nngroup.com, 2011); assumed",
    )
    think_spread: float = _known(0.7, "sigma of its logarithm: the middle 80 % lie between 10 and 61 s; assumed")
    transfer_median_s: float = _known(3.0, "4 MB at 10 Mbit/s upwards; assumed")
    transfer_spread: float = _known(0.5, "sigma of its logarithm; assumed")
    between_s: float = _known(15.0, "a result seen → the next photo accepted, on average; assumed, as in bench.costs")
    between_spread: float = _known(0.5, "sigma of its logarithm; assumed")
    leavers: float = _known(
        0.5,
        "share of visitors whose page tells that they leave; no figure was found. Not all that a page sends when it is "
        "closed or hidden arrives (nicj.net, Beaconing in Practice); others stay open, crash, or are no page; assumed",
    )
    leave_median_s: float = _known(15.0, "the last result seen → the page says so; as between two photos; assumed")
    leave_spread: float = _known(0.5, "sigma of its logarithm; assumed")
    photos_a_visit: float = _known(5, "1,000 photos in 200 visits")
    metric_s: float = _known(60.0, "docs.aws.amazon.com: SQS and detailed EC2 metrics come once a minute")
    alarm_out: float = _known(3, "target tracking's own alarm: out after 3 metric periods in a row")
    alarm_in: float = _known(15, "target tracking's own alarm: in after 15 metric periods in a row")

    def spot_hour(self, flavour: Flavour) -> float:
        return self.gpu_spot_hour if flavour == "gpu" else self.cpu_spot_hour

    def hour(self, type_: str, market: Market) -> float:
        """Dollars for an hour of a machine, with its address and disk."""
        known = BY_NAME[type_]
        machine = known.usd if market == "on-demand" else known.usd * self._spot_share(known.flavour)
        return machine + self.address_hour + self.disk_hour

    def work_s(self, flavour: Flavour) -> float:
        return self.gpu_work_s if flavour == "gpu" else self.cpu_work_s

    def boot(self, flavour: Flavour, chance: Random, *, old: bool = False) -> tuple[float, float]:
        """Seconds from the launch to the worker's start, and from there to readiness."""
        if old:
            whole = chance.uniform(self.old_boot_least_s, self.old_boot_most_s)
            return whole * 0.6, whole * 0.4
        names = ("create_fleet", "kernel", "unit", "runtime", "weights")
        drawn = [getattr(self, f"{flavour}_{name}").drawn(chance) for name in names]
        return sum(drawn[:3]), sum(drawn[3:])

    def _spot_share(self, flavour: Flavour) -> float:
        cheapest = BY_NAME["g4dn.xlarge" if flavour == "gpu" else "c7i.xlarge"]
        return self.spot_hour(flavour) / cheapest.usd


def sourced(figures: Figures) -> list[tuple[str, str, str]]:
    """Name, figure and source of each."""
    return [(each.name, _said(getattr(figures, each.name)), each.metadata["source"]) for each in fields(figures)]


def _said(figure: Phase | float) -> str:
    return f"{figure.floor}…{figure.typical}" if isinstance(figure, Phase) else f"{figure:g}"
