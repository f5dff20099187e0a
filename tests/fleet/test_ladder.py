"""From the wanted machines to the ones that can be had: pools, flavours, on demand, and why somebody waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.machines import LaunchRefused, NoCapacity
from fleet.offers import DAY_MS
from fleet.slots import read_slots
from jobs.table import Row
from tests.fleet.photos import upload
from tests.fleet.regions import World
from tests.fleet.signs import show

NONE = "InsufficientInstanceCapacity"


def kinds(ec2: World) -> list[tuple[str, str]]:
    return [(each.market, each.type) for each in ec2.region.live()]


def test_a_gpu_on_spot_comes_first(ec2: World) -> None:
    ec2.launcher().ensure("view")
    assert kinds(ec2) == [("spot", "g4dn.xlarge")]


def test_a_pool_that_refuses_is_passed_over_within_one_call(ec2: World) -> None:
    ec2.weather.dry_pools = {"spot/g4dn.xlarge": NONE, "spot/g4dn.2xlarge/us-east-1a": "SpotMaxPriceTooLow"}
    ec2.launcher().ensure("view")
    (instance,) = ec2.region.live()
    assert (instance.type, instance.zone) == ("g4dn.2xlarge", "us-east-1b")
    assert ec2.region.calls["CreateFleet"] == 1


def test_without_gpus_the_other_flavour_is_taken_in_the_same_breath(ec2: World) -> None:
    ec2.weather.dry_pools = {f"spot/{each}": NONE for each in gpu_types()}
    outlook = ec2.launcher().ensure("view")
    assert kinds(ec2) == [("spot", "c7i.xlarge")]
    assert outlook.state == "starting"
    (slot,) = read_slots(ec2.ports.table)
    assert (slot.epoch, slot.outcome, slot.refusals) == (2, "launched", 0)


def test_without_spot_machines_it_pays_the_full_price_as_often_as_the_day_allows(ec2: World, tmp_path: Path) -> None:
    ec2.weather.dry_pools = {"spot": NONE}
    launcher = ec2.launcher(on_demand_budget=2)
    upload(ec2.ports, tmp_path)
    for epoch in (3, 4):
        assert launcher.ensure("upload").state == "starting"
        assert kinds(ec2) == [("on-demand", "g4dn.xlarge")]
        show(ec2.ports, epoch, "busy", last_job_ms=ec2.clock.ms)
        ec2.region.end(ec2.only().id, why="Client.InstanceInitiatedShutdown")
        ec2.clock.pass_s(60)
    outlook = launcher.ensure("tick")
    assert (outlook.state, outlook.phase) == ("none", "waiting_for_capacity")
    assert "nothing more on demand today" in outlook.detail
    ec2.clock.pass_s(86_400)
    assert launcher.ensure("tick").state == "starting"


def test_what_was_not_had_on_demand_is_not_counted(ec2: World) -> None:
    ec2.weather.dry_pools = {"*": NONE}
    for round_ in range(5):
        ec2.launcher(on_demand_budget=1).ensure("pick")
        ec2.clock.pass_s(700)
        assert read_slots(ec2.ports.table)[0].refusals == round_ + 1
    ec2.weather.dry_pools = {"spot": NONE}
    ec2.launcher(on_demand_budget=1).ensure("pick")
    assert kinds(ec2) == [("on-demand", "g4dn.xlarge")]


def test_a_refusal_that_two_launchers_hear_is_given_back_once(ec2: World) -> None:
    ec2.weather.dry_pools = {"*": NONE}
    one, other = ec2.fleet(on_demand_budget=1, flavours="cpu"), ec2.fleet(on_demand_budget=1, flavours="cpu")
    with pytest.raises(NoCapacity):
        one.launch(0, 1)  # spot
    for fleet in (one, other):
        with pytest.raises(NoCapacity):
            fleet.launch(0, 2)  # on demand, and the same order once more
    day = ec2.clock() // DAY_MS
    spent = ec2.ports.table.add(f"on_demand/{day}", 0, limit=None, expires_ms=(day + 1) * DAY_MS, now=ec2.clock())
    assert spent == 0


def test_refused_pools_are_spared_ten_minutes_by_every_process(ec2: World, tmp_path: Path) -> None:
    ec2.weather.dry_pools = {"*": NONE}
    upload(ec2.ports, tmp_path)
    assert ec2.launcher().ensure("upload").phase == "waiting_for_capacity"
    asked = ec2.region.calls["CreateFleet"]
    assert asked == 4  # each flavour on each market, once
    ec2.weather.dry_pools = {}
    for _ in range(9):
        assert ec2.launcher().ensure("tick").phase == "waiting_for_capacity"
        ec2.clock.pass_s(60)
    assert ec2.region.calls["CreateFleet"] == asked
    ec2.clock.pass_s(70)
    assert ec2.launcher().ensure("tick").state == "starting"


def test_a_quota_of_nothing_is_told_to_the_operator_and_leaves_the_other_flavour(
    ec2: World, caplog: pytest.LogCaptureFixture
) -> None:
    ec2.weather.quotas = {"spot/gpu": 0}
    ec2.launcher().ensure("view")
    assert kinds(ec2) == [("spot", "c7i.xlarge")]
    assert "Service Quotas" in caplog.text


def test_where_no_quota_allows_a_machine_the_operator_has_to_look(ec2: World) -> None:
    ec2.weather.quotas = {f"{market}/{flavour}": 0 for market in ("spot", "on-demand") for flavour in ("gpu", "cpu")}
    assert ec2.launcher().ensure("view").phase == "machine_failing"
    with pytest.raises(LaunchRefused, match="FLAVOURS=cpu"):
        ec2.fleet().launch(0, 99)


def test_one_flavour_is_all_that_is_asked_for_where_the_operator_says_so(ec2: World) -> None:
    ec2.weather.dry_pools = {"spot": NONE}
    fleet = ec2.fleet(flavours="cpu")
    with pytest.raises(NoCapacity) as none:
        fleet.launch(0, 1)
    assert none.value.others
    assert fleet.launch(0, 2).usd_per_hour == 0.1785


def test_a_fleet_that_is_declined_as_a_whole_goes_on_in_the_same_epoch(ec2: World) -> None:
    ec2.weather.next["CreateFleet"] = [NONE]
    ec2.launcher().ensure("view")
    assert kinds(ec2) == [("spot", "c7i.xlarge")]
    assert list(ec2.region.tokens) == ["firstlight-0-1"]


def test_refusals_far_ahead_are_a_broken_clocks(ec2: World) -> None:
    far = ec2.clock.ms + 10**9
    entries = {f"spot/{each}/us-east-1{zone}": [far, NONE] for each in gpu_types() for zone in "abc"}
    ec2.ports.table.insert(Row(key="fleet/refused_pools", doc=json.dumps(entries)))
    ec2.launcher().ensure("view")
    assert kinds(ec2) == [("spot", "g4dn.xlarge")]


def gpu_types() -> list[str]:
    from fleet.instance_types import types_of

    return [each.name for each in types_of("gpu")]
