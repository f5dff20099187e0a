"""What a fleet promises, on EC2: one machine for a slot and epoch, whatever gets lost, lags or races."""

from __future__ import annotations

import pytest

from fleet.ec2 import LISTING_LAG_MS
from fleet.machines import LaunchRefused, Machine, NoCapacity, SlotTaken
from fleet.orders import read_order
from fleet.requests import DEADLINE_TAG, EPOCH_TAG, LOST_SLOT, PROJECT_TAG, SLOT_TAG
from jobs.errors import StoreBusy
from tests.fleet.regions import World


def names(machines: list[Machine]) -> list[tuple[int, int]]:
    return [(machine.slot, machine.epoch) for machine in machines]


def test_a_launched_machine_is_listed_at_once_although_ec2s_list_lags(ec2: World) -> None:
    ec2.weather.least_lag_ms = 40_000
    fleet = ec2.fleet()
    machine = fleet.launch(0, 1)
    assert fleet.machines() == ec2.fleet().machines() == [machine]
    ec2.clock.pass_s(41)
    assert names(ec2.fleet().machines()) == [(0, 1)]


def test_a_machine_that_never_shows_in_the_list_is_gone_after_the_lag(ec2: World) -> None:
    fleet = ec2.fleet()
    machine = fleet.launch(0, 1)
    del ec2.region.instances[machine.name]
    assert fleet.machines() == [machine]
    ec2.clock.pass_s(LISTING_LAG_MS / 1000)
    assert fleet.machines() == []


def test_an_ended_machine_is_gone_as_soon_as_the_list_says_so(ec2: World) -> None:
    fleet = ec2.fleet()
    machine = fleet.launch(0, 1)
    fleet.stop(machine, kill=False)
    assert fleet.machines() == []
    assert ec2.region.live() == []


def test_it_asks_for_one_spot_machine_of_ten_types_in_all_zones_and_tags_it(ec2: World) -> None:
    ec2.fleet().launch(3, 7)
    (token, promise), *_ = ec2.region.tokens.items()
    wanted = promise.wanted
    assert token == "firstlight-3-7"
    assert wanted["Type"] == "instant"
    assert wanted["TargetCapacitySpecification"] == {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"}
    assert wanted["SpotOptions"]["AllocationStrategy"] == "price-capacity-optimized"
    (config,) = wanted["LaunchTemplateConfigs"]
    assert config["LaunchTemplateSpecification"] == {"LaunchTemplateName": "firstlight", "Version": "$Default"}
    overrides = {(each["InstanceType"], each["SubnetId"]) for each in config["Overrides"]}
    assert len({type_ for type_, _ in overrides}) >= 10
    assert len(overrides) == 3 * len({type_ for type_, _ in overrides})
    tags = ec2.only().tags
    assert (tags[PROJECT_TAG], tags[SLOT_TAG], tags[EPOCH_TAG]) == ("firstlight", "3", "7")
    assert tags[DEADLINE_TAG] == "2027-01-15T20:00:00Z"  # twelve hours after the clock's standing time


def test_a_template_is_named_by_id_or_name_for_each_flavour(ec2: World) -> None:
    ec2.weather.dry_pools["spot"] = "InsufficientInstanceCapacity"
    fleet = ec2.fleet(fleet="ec2:lt-0123/slim", flavours="cpu,gpu", on_demand_budget=0)
    for epoch in (1, 2):
        with pytest.raises(NoCapacity):
            fleet.launch(0, epoch)
    asked = [each.wanted["LaunchTemplateConfigs"][0] for each in ec2.region.tokens.values()]
    assert [each["LaunchTemplateSpecification"] for each in asked] == [
        {"LaunchTemplateName": "slim", "Version": "$Default"},
        {"LaunchTemplateId": "lt-0123", "Version": "$Default"},
    ]
    assert [each["Overrides"][0]["InstanceType"] for each in asked] == ["c7i.xlarge", "g4dn.xlarge"]


def test_a_lost_answer_is_told_as_such_and_the_same_epoch_gives_the_same_machine(ec2: World) -> None:
    ec2.weather.next["CreateFleet"] = ["lost_after"]
    with pytest.raises(StoreBusy):
        ec2.fleet().launch(0, 1)
    alive = ec2.only().id
    assert ec2.fleet().launch(0, 1).name == alive
    assert ec2.only().id == alive


@pytest.mark.parametrize("trouble", ["RequestLimitExceeded", "InternalError", "lost_before"])
def test_what_ec2_did_not_do_is_tried_again_in_the_same_epoch(ec2: World, trouble: str) -> None:
    ec2.weather.next["CreateFleet"] = [trouble]
    with pytest.raises(StoreBusy):
        ec2.fleet().launch(0, 1)
    assert ec2.region.live() == []
    assert ec2.fleet().launch(0, 1).name == ec2.only().id


def test_whoever_tries_again_sends_the_same_request_even_if_pools_have_refused_since(ec2: World) -> None:
    ec2.weather.next["CreateFleet"] = ["lost_after"]
    with pytest.raises(StoreBusy):
        ec2.fleet().launch(0, 1)
    ec2.weather.dry_pools["spot/g4dn.xlarge"] = "InsufficientInstanceCapacity"
    ec2.fleet(max_machines=2).launch(1, 1)
    ec2.clock.pass_s(100)
    assert ec2.fleet().launch(0, 1).slot == 0
    assert len(ec2.region.live()) == 2


def test_an_epoch_is_launched_once(ec2: World) -> None:
    fleet = ec2.fleet()
    fleet.launch(0, 5)
    for epoch in (5, 4):
        with pytest.raises(SlotTaken) as taken:
            ec2.fleet().launch(0, epoch)
        assert taken.value.epoch == 5
    assert len(ec2.region.live()) == 1


def test_a_token_that_came_with_other_parameters_holds_the_slot_until_the_list_is_sure(ec2: World) -> None:
    ec2.fleet().launch(0, 1)
    ec2.weather.least_lag_ms = 30_000
    forgotten = ec2.ports.table.read("order/0")
    assert forgotten is not None
    ec2.ports.table.delete(forgotten)
    ec2.clock.pass_s(1)  # another deadline: other parameters
    fleet = ec2.fleet()
    with pytest.raises(SlotTaken) as taken:
        fleet.launch(0, 1)
    assert taken.value.epoch == 1
    assert names(fleet.machines()) == [(0, 1)]
    ec2.clock.pass_s(40)
    assert [machine.name for machine in fleet.machines()] == [ec2.only().id]


def test_a_token_of_a_machine_that_is_gone_tells_the_newest_epoch(ec2: World) -> None:
    fleet = ec2.fleet()
    for epoch in (1, 2, 3):
        fleet.stop(fleet.launch(0, epoch), kill=True)
    forgotten = ec2.ports.table.read("order/0")
    assert forgotten is not None
    ec2.ports.table.delete(forgotten)
    with pytest.raises(SlotTaken) as taken:
        ec2.fleet().launch(0, 1)
    assert taken.value.epoch == 3
    assert ec2.region.live() == []


def test_a_machine_of_ours_without_readable_tags_is_surplus(ec2: World) -> None:
    fleet = ec2.fleet()
    fleet.launch(0, 1)
    ec2.only().tags = {PROJECT_TAG: "firstlight", SLOT_TAG: "?"}
    ec2.clock.pass_s(100)
    assert names(fleet.machines()) == [(LOST_SLOT, 0)]
    assert ec2.fleet(project="another").machines() == []


def test_stopping_a_machine_that_is_gone_is_fine(ec2: World) -> None:
    fleet = ec2.fleet()
    machine = fleet.launch(0, 1)
    fleet.stop(machine, kill=True)
    fleet.stop(machine, kill=True)
    del ec2.region.instances[machine.name]
    fleet.stop(machine, kill=False)


def test_all_machines_are_ended_and_waited_for(ec2: World) -> None:
    fleet = ec2.fleet(max_machines=3)
    for slot in range(3):
        fleet.launch(slot, 1)
    ec2.weather.shutdown_ms = 5000
    fleet.stop_all()
    assert ec2.region.live() == []


@pytest.mark.parametrize(
    ("code", "cured"),
    [
        ("UnauthorizedOperation", "permission"),
        ("AuthFailure", "credentials"),
        ("OptInRequired", "signed up"),
        ("InvalidLaunchTemplateName.NotFoundException", "launch template"),
        ("InvalidAMIID.NotFound", "bake it again"),
    ],
)
def test_what_only_the_operator_can_change_is_said_with_its_cure(ec2: World, code: str, cured: str) -> None:
    ec2.weather.next["CreateFleet"] = [code]
    with pytest.raises(LaunchRefused, match=cured) as refused:
        ec2.fleet().launch(0, 1)
    assert not refused.value.answered
    assert ec2.fleet().launch(0, 1).epoch == 1


def test_what_was_refused_for_the_operators_sake_is_asked_anew_once_it_is_cured(ec2: World) -> None:
    ec2.weather.next["CreateFleet"] = ["UnauthorizedOperation"]
    with pytest.raises(LaunchRefused):
        ec2.fleet().launch(0, 1)
    first = read_order(ec2.ports.table, 0)
    assert first is not None
    ec2.clock.pass_s(13 * 3600)
    ec2.fleet().launch(0, 1)
    second = read_order(ec2.ports.table, 0)
    assert second is not None
    assert second.deadline_ms - first.deadline_ms == 13 * 3600 * 1000


def test_without_a_subnet_nothing_can_start(ec2: World) -> None:
    ec2.region.zones = ()
    with pytest.raises(LaunchRefused, match="SUBNETS"):
        ec2.fleet().launch(0, 1)


def test_a_list_that_cannot_be_had_is_a_busy_store(ec2: World) -> None:
    for trouble in ("RequestLimitExceeded", "lost_before", "UnauthorizedOperation", "InvalidParameterValue"):
        ec2.weather.next["DescribeInstances"] = [trouble]
        with pytest.raises(StoreBusy):
            ec2.fleet().machines()


def test_it_looks_at_the_list_once_in_two_seconds(ec2: World) -> None:
    fleet = ec2.fleet()
    for _ in range(10):
        fleet.machines()
        ec2.clock.pass_s(0.3)
    assert ec2.region.calls["DescribeInstances"] == 2
