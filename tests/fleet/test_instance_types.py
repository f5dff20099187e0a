"""Every EC2 type that we may ask for fits the image: x86-64, and with an NVIDIA GPU that PyTorch's build knows."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from typing import Any

import pytest

from fleet.instance_types import (
    DEAREST_USD,
    FLAVOURS,
    IMAGE_ARCHITECTURE,
    LEAST_COMPUTE_CAPABILITY,
    TYPES,
    dearest_usd,
    types_of,
    usd_per_hour,
)


def catalogue() -> dict[str, Any]:
    """What AWS itself tells of its types, as moto keeps it: another source than ours."""
    return json.loads(gzip.decompress(files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()))


def test_each_type_runs_the_image() -> None:
    known = catalogue()  # once: it takes a second to read
    for each in TYPES:
        told = known[each.name]
        assert IMAGE_ARCHITECTURE in told["ProcessorInfo"]["SupportedArchitectures"], each
        assert told["VCpuInfo"]["DefaultVCpus"] == each.vcpus, each
        assert told["MemoryInfo"]["SizeInMiB"] == each.memory_gib * 1024, each
        assert {"spot", "on-demand"} <= set(told["SupportedUsageClasses"]), each
        gpus = told.get("GpuInfo", {}).get("Gpus", [])
        assert [gpu["Manufacturer"] for gpu in gpus] == (["NVIDIA"] if each.flavour == "gpu" else []), each
        assert [gpu["Name"] for gpu in gpus] == ([each.gpu] if each.flavour == "gpu" else []), each


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_flavour_has_ten_types_that_the_network_fits(flavour) -> None:
    ours = types_of(flavour)
    assert len({each.name for each in ours}) >= 10
    assert all(each.vcpus >= 4 and each.memory_gib >= 8 for each in ours)
    if flavour == "gpu":
        assert all(each.compute_capability >= LEAST_COMPUTE_CAPABILITY for each in ours)


@pytest.mark.parametrize("old", ["g4ad.xlarge", "g5g.xlarge", "p2.xlarge", "g3.4xlarge", "p3.2xlarge", "c7g.xlarge"])
def test_what_the_image_does_not_run_on_is_not_among_them(old) -> None:
    assert old not in {each.name for each in TYPES}


def test_a_type_that_we_do_not_know_counts_as_the_dearest() -> None:
    assert usd_per_hour("x99.metal", "spot") == DEAREST_USD
    assert dearest_usd(("gpu", "cpu")) == DEAREST_USD > dearest_usd(("cpu",)) == 0.4106
    assert usd_per_hour("g4dn.xlarge", "spot") < usd_per_hour("g4dn.xlarge", "on-demand") == 0.526
