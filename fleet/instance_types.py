"""The EC2 instance types that a worker fits, by flavour, with what is needed to choose and to budget.

The image is x86-64 with NVIDIA's driver. So: no AMD GPU (g4ad), no Graviton (g5g and everything with a `g` after the
generation), and no GPU older than Turing: PyTorch's wheels for CUDA 12.8 and later hold no code for a compute
capability below 7.5 (PyTorch's RELEASE.md, CUDA support matrix since 2.11), which leaves out p2, g3 and p3.

Prices are on-demand list prices in us-east-1, dollars an hour, Linux (aws.amazon.com/ec2/pricing/on-demand, 2026-11).
They order the choice on demand and feed the daily budget; what AWS bills is what AWS says.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

Flavour = Literal["gpu", "cpu"]
FLAVOURS: tuple[Flavour, ...] = get_args(Flavour)
Market = Literal["spot", "on-demand"]

IMAGE_ARCHITECTURE = "x86_64"
LEAST_COMPUTE_CAPABILITY = 7.5
# Spot costs about half of the list price with a GPU and two fifths without (g4dn.xlarge $0.265 of $0.526, c7i.xlarge
# $0.066 of $0.1785); the budget counts a little more than that, so that it ends early rather than late.
SPOT_SHARE: dict[Flavour, float] = {"gpu": 0.6, "cpu": 0.5}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """`memory_gib` is the machine's, `compute_capability` the GPU's (0 without), `usd` on demand per hour."""

    name: str
    flavour: Flavour
    vcpus: int
    memory_gib: int
    usd: float
    gpu: str = ""
    compute_capability: float = 0.0

    def usd_per_hour(self, market: Market) -> float:
        return self.usd * SPOT_SHARE[self.flavour] if market == "spot" else self.usd


def _gpu(name: str, vcpus: int, memory_gib: int, usd: float, gpu: str, capability: float) -> InstanceType:
    return InstanceType(
        name=name,
        flavour="gpu",
        vcpus=vcpus,
        memory_gib=memory_gib,
        usd=usd,
        gpu=gpu,
        compute_capability=capability,
    )


def _cpu(name: str, vcpus: int, memory_gib: int, usd: float) -> InstanceType:
    return InstanceType(name=name, flavour="cpu", vcpus=vcpus, memory_gib=memory_gib, usd=usd)


TYPES: tuple[InstanceType, ...] = (
    _gpu("g4dn.xlarge", 4, 16, 0.526, "T4", 7.5),
    _gpu("g4dn.2xlarge", 8, 32, 0.752, "T4", 7.5),
    _gpu("g4dn.4xlarge", 16, 64, 1.204, "T4", 7.5),
    _gpu("g5.xlarge", 4, 16, 1.006, "A10G", 8.6),
    _gpu("g5.2xlarge", 8, 32, 1.212, "A10G", 8.6),
    _gpu("g5.4xlarge", 16, 64, 1.624, "A10G", 8.6),
    _gpu("g6.xlarge", 4, 16, 0.8048, "L4", 8.9),
    _gpu("g6.2xlarge", 8, 32, 0.9776, "L4", 8.9),
    _gpu("g6.4xlarge", 16, 64, 1.3232, "L4", 8.9),
    _gpu("g6e.xlarge", 4, 32, 1.861, "L40S", 8.9),
    _gpu("g6e.2xlarge", 8, 64, 2.2421, "L40S", 8.9),
    # Sapphire Rapids (7i: AMX) and Zen 4 (7a: AVX-512, bf16) first; Ice Lake (6i: AVX-512); Zen 3 (6a: AVX2) last.
    _cpu("c7i.xlarge", 4, 8, 0.1785),
    _cpu("c7i.2xlarge", 8, 16, 0.357),
    _cpu("m7i.xlarge", 4, 16, 0.2016),
    _cpu("c7a.xlarge", 4, 8, 0.2053),
    _cpu("c7a.2xlarge", 8, 16, 0.4106),
    _cpu("m7a.xlarge", 4, 16, 0.2318),
    _cpu("c6i.xlarge", 4, 8, 0.17),
    _cpu("c6i.2xlarge", 8, 16, 0.34),
    _cpu("m6i.xlarge", 4, 16, 0.192),
    _cpu("c6a.xlarge", 4, 8, 0.153),
    _cpu("c6a.2xlarge", 8, 16, 0.306),
    _cpu("m6a.xlarge", 4, 16, 0.1728),
)

BY_NAME = {each.name: each for each in TYPES}


def types_of(flavour: Flavour) -> list[InstanceType]:
    return [each for each in TYPES if each.flavour == flavour]


def usd_per_hour(name: str, market: Market) -> float:
    """What an hour of this type counts against the budget; one we do not know counts as the dearest."""
    known = BY_NAME.get(name)
    return known.usd_per_hour(market) if known else DEAREST_USD


DEAREST_USD = max(each.usd for each in TYPES)


def dearest_usd(flavours: Collection[Flavour]) -> float:
    """The most that an hour of a machine of these flavours, one at least, may count."""
    return max(each.usd for each in TYPES if each.flavour in flavours)
