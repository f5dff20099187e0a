"""The launcher over EC2: answers that get lost, launchers that sleep, machines nobody knows of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fleet.launcher import Launcher
from fleet.machines import Machine, SlotTaken
from fleet.requests import EPOCH_TAG, PROJECT_TAG, SLOT_TAG
from fleet.slots import LAUNCH_GRACE_MS, Slot, read_slots, write_slot
from fleet.tick import tick_once
from jobs.errors import StoreBusy
from tests.fleet.photos import upload
from tests.fleet.regions import CLOUD, World
from tests.fleet.signs import show

AFTER_GRACE_S = LAUNCH_GRACE_MS / 1000 + 1


def slot_of(ec2: World) -> Slot:
    (slot,) = read_slots(ec2.ports.table)
    return slot


def test_a_launch_without_an_answer_is_tried_again_in_the_same_epoch_and_charged_once(
    ec2: World, tmp_path: Path
) -> None:
    ec2.weather.next["CreateFleet"] = ["lost_before"] * 3
    upload(ec2.ports, tmp_path)
    launcher = ec2.launcher(launch_budget=1)
    for _ in range(4):
        assert launcher.ensure("tick").state == "starting"
        assert slot_of(ec2).epoch == 1
        ec2.clock.pass_s(AFTER_GRACE_S)
    assert list(ec2.region.tokens) == ["firstlight-0-1"]
    assert len(ec2.region.live()) == 1
    assert slot_of(ec2).outcome == "launched"


def test_a_machine_whose_answer_was_lost_is_adopted_from_the_list(ec2: World, tmp_path: Path) -> None:
    ec2.weather.next["CreateFleet"] = ["lost_after"]
    upload(ec2.ports, tmp_path)
    launcher = ec2.launcher()
    launcher.ensure("upload")
    assert slot_of(ec2).outcome == "launching"
    ec2.clock.pass_s(AFTER_GRACE_S)
    assert launcher.ensure("tick").state == "starting"
    assert (slot_of(ec2).outcome, slot_of(ec2).epoch) == ("launched", 1)
    assert ec2.region.calls["CreateFleet"] == 1


class Sleepy:
    """A fleet whose launches begin late: meanwhile somebody else may act."""

    def __init__(self, fleet, meanwhile) -> None:
        self._fleet = fleet
        self._meanwhile = meanwhile

    def __getattr__(self, name: str):
        return getattr(self._fleet, name)

    def launch(self, slot: int, epoch: int) -> Machine:
        self._meanwhile()
        return self._fleet.launch(slot, epoch)


def test_a_launcher_that_slept_before_its_launch_starts_no_second_machine(ec2: World, tmp_path: Path) -> None:
    upload(ec2.ports, tmp_path)

    def others_go_on() -> None:
        ec2.weather.next["CreateFleet"] = ["UnauthorizedOperation", "RequestLimitExceeded"]
        for _ in range(4):
            ec2.clock.pass_s(AFTER_GRACE_S)
            ec2.launcher().ensure("tick")
        assert len(ec2.region.live()) == 1

    slow = Launcher(ec2.ports, CLOUD, Sleepy(ec2.fleet(), others_go_on))
    slow.ensure("upload")
    assert len(ec2.region.live()) == 1
    assert len(ec2.region.tokens) == 1


def test_a_launcher_that_slept_between_order_and_call_starts_no_second_machine(ec2: World, tmp_path: Path) -> None:
    upload(ec2.ports, tmp_path)
    fleet = ec2.fleet()
    real = fleet._ec2
    slept = []

    def sleeps_once():
        if not slept and ec2.ports.table.read("order/0") is not None:
            slept.append(True)
            ec2.weather.next["CreateFleet"] = ["InsufficientInstanceCapacity"]  # for the call as a whole: no token
            for _ in range(3):
                ec2.clock.pass_s(AFTER_GRACE_S)
                ec2.launcher().ensure("tick")
            assert len(ec2.region.live()) == 1
        return real()

    fleet._ec2 = sleeps_once
    Launcher(ec2.ports, CLOUD, fleet).ensure("upload")
    assert slept
    assert len(ec2.region.live()) == 1
    for _ in range(5):
        ec2.clock.pass_s(AFTER_GRACE_S)
        ec2.launcher().ensure("tick")
        assert len(ec2.region.live()) == 1


def test_a_refused_budget_does_not_pass_over_an_epoch_that_may_have_been_asked_for(ec2: World, tmp_path: Path) -> None:
    upload(ec2.ports, tmp_path)
    ec2.weather.next["CreateFleet"] = ["lost_before"]
    ec2.launcher().ensure("upload")
    lost = slot_of(ec2)
    write_slot(ec2.ports.table, replace(lost, charged=False))
    ec2.clock.pass_s(AFTER_GRACE_S)
    day = ec2.clock.ms // 86_400_000
    ec2.ports.table.add(f"launches/{day}", 1, limit=None, expires_ms=(day + 1) * 86_400_000, now=ec2.clock.ms)
    spent = ec2.launcher(launch_budget=1)
    assert spent.ensure("tick").phase == "waiting_for_capacity"
    ec2.clock.pass_s(86_400)
    spent.ensure("tick")
    assert slot_of(ec2).epoch == 1
    assert list(ec2.region.tokens) == ["firstlight-0-1"]


def test_three_machines_in_a_row_that_cannot_be_set_up_open_the_breaker(ec2: World, tmp_path: Path) -> None:
    upload(ec2.ports, tmp_path)
    launcher = ec2.launcher()
    for epoch in (1, 2, 3):
        assert launcher.ensure("tick").state == "starting"
        show(ec2.ports, epoch, "setup_failed", detail="The weights are broken.")
        assert [stop.why for stop in launcher.reap()] == ["setup_failed"]
        ec2.clock.pass_s(3)
    for _ in range(10):
        outlook = launcher.ensure("tick")
        assert outlook.phase == "machine_failing"
        assert "The weights are broken." in outlook.detail
        ec2.clock.pass_s(10)
    assert len(ec2.region.instances) == 3
    assert ec2.region.live() == []


@pytest.mark.parametrize("state", ["loading", None])
def test_machines_that_ec2_takes_back_while_they_load_do_not_open_the_breaker(
    ec2: World, tmp_path: Path, state: str | None
) -> None:
    upload(ec2.ports, tmp_path)
    launcher = ec2.launcher()
    for epoch in range(1, 7):
        assert launcher.ensure("tick").state == "starting"
        if state:
            show(ec2.ports, epoch, state)
        ec2.region.end(ec2.only().id, why="Server.SpotInstanceTermination")
        ec2.clock.pass_s(3)
    assert launcher.ensure("tick").state == "starting"
    assert slot_of(ec2).failures == 0


def test_an_older_machine_in_a_slot_is_ended_and_the_newest_stays(ec2: World) -> None:
    launcher = ec2.launcher()
    launcher.ensure("view")
    first = ec2.only()
    (slot,) = read_slots(ec2.ports.table)
    write_slot(ec2.ports.table, replace(slot, epoch=2))
    second = ec2.fleet().launch(0, 2)
    assert [(stop.machine.name, stop.why) for stop in launcher.reap()] == [(first.id, "superseded")]
    assert ec2.only().id == second.name
    show(ec2.ports, 2, "ready")
    assert launcher.reap() == []


@pytest.mark.parametrize("tags", [{}, {SLOT_TAG: "7", EPOCH_TAG: "1"}, {SLOT_TAG: "0", EPOCH_TAG: "x"}])
def test_a_machine_that_no_row_knows_of_is_found_by_its_tags_and_ended(ec2: World, tags: dict[str, str]) -> None:
    ec2.fleet(max_machines=9).launch(7, 1)
    ec2.only().tags = {PROJECT_TAG: "firstlight", **tags}
    for key in ("order/7", "slot/7"):
        if row := ec2.ports.table.read(key):
            ec2.ports.table.delete(row)
    launcher = ec2.launcher()
    for _ in range(40):
        launcher.reap()
        ec2.clock.pass_s(10)
    assert ec2.region.live() == []


def test_a_table_that_was_lost_does_not_cost_the_machine_nor_start_another(ec2: World, tmp_path: Path) -> None:
    fleet = ec2.fleet()
    for epoch in range(1, 5):
        machine = fleet.launch(0, epoch)
        if epoch < 4:
            fleet.stop(machine, kill=True)
    row = ec2.ports.table.read("order/0")
    assert row is not None
    ec2.ports.table.delete(row)
    upload(ec2.ports, tmp_path)
    launcher = ec2.launcher()
    for _ in range(3):
        show(ec2.ports, 4, "busy", last_job_ms=ec2.clock.ms)
        assert launcher.ensure("tick").state == "ready"
        ec2.clock.pass_s(5)
    ec2.region.end(machine.name, why="Client.InstanceInitiatedShutdown")
    for _ in range(30):
        ec2.clock.pass_s(5)
        launcher.ensure("tick")
    assert ec2.only().tags[EPOCH_TAG] == "5"


def test_while_the_list_cannot_be_had_nothing_is_launched(ec2: World, tmp_path: Path) -> None:
    upload(ec2.ports, tmp_path)
    ec2.weather.next["DescribeInstances"] = ["RequestLimitExceeded"]
    with pytest.raises(StoreBusy):
        ec2.launcher().ensure("upload")
    assert ec2.region.live() == []


def test_photos_meet_their_deadline_although_ec2_is_away(ec2: World, tmp_path: Path) -> None:
    late = upload(replace(ec2.ports, job_deadline_ms=0), tmp_path)
    ec2.weather.next["DescribeInstances"] = ["UnauthorizedOperation"]
    with pytest.raises(StoreBusy):
        tick_once(ec2.ports, ec2.launcher())
    job = ec2.ports.ledger.read(late)
    assert job is not None
    assert (job.state, job.error and job.error.code) == ("failed", "deadline_passed")


def test_a_stale_launch_of_an_older_epoch_is_refused_without_asking(ec2: World) -> None:
    ec2.fleet().launch(0, 3)
    asked = ec2.region.calls["CreateFleet"]
    with pytest.raises(SlotTaken):
        ec2.fleet().launch(0, 2)
    assert ec2.region.calls["CreateFleet"] == asked
