"""A worker's own start, as it is kept and written."""

import json
from dataclasses import replace

import pytest

from jobs.clock import now_ms
from jobs.errors import StoreBusy
from jobs.milestones import cold_starts
from jobs.table import Row
from jobs.usual import measured
from worker.milestones import Milestones, host_milestones
from worker.pulse import Identity

MINE = Identity(worker="slot0-1", slot=0, epoch=1)


class Counting:
    """A table that counts its writes, and is away while `away`."""

    def __init__(self, table):
        self._table, self.writes, self.away = table, 0, False

    def __getattr__(self, name):
        if self.away:
            raise StoreBusy("away")
        if name in ("insert", "replace"):
            self.writes += 1
        return getattr(self._table, name)


@pytest.fixture
def counted(ports):
    ports.table.insert(Row(key="slot/0", doc=json.dumps({"epoch": 1, "asked_ms": 10, "launched_ms": now_ms() - 2000})))
    return replace(ports, table=Counting(ports.table))


def started(ports, **host):
    return Milestones(ports, MINE, host={**host, "supervisor": now_ms()})


def rows(ports):
    return cold_starts(ports.table, since_ms=0)


def test_a_start_costs_two_writes_and_one_for_those_who_wait(counted):
    milestones = started(counted)
    for each in ("codec_ready", "first_receive", "engine_ready", "first_decode"):
        milestones.reached(each, flavour="openvino default" if each == "engine_ready" else "")
        milestones.tell()
    assert counted.table.writes == 2
    milestones.reached("first_result")
    milestones.tell()
    milestones.tell(last=True)
    assert counted.table.writes == 3
    [start] = rows(counted)
    assert start.flavour == "openvino default"
    assert set(start.at_ms) == {
        *("asked", "supervisor", "codec_ready", "first_receive", "engine_ready", "first_decode", "first_result")
    }
    assert set(measured(counted.table).usual("openvino default")) == {"starting_machine", "loading_model"}
    assert 2 <= measured(counted.table).usual()["starting_machine"] < 60


def test_a_milestone_counts_once(ports):
    milestones = started(ports)
    milestones.reached("engine_ready", flavour="torch default")
    milestones.tell()
    before = rows(ports)
    milestones.reached("engine_ready", flavour="torch default")
    assert not milestones.pending
    milestones.tell(last=True)
    assert rows(ports) == before


def test_a_start_that_came_to_nothing_is_told_at_the_end(ports):
    milestones = started(ports)
    milestones.reached("codec_ready")
    milestones.tell()
    assert rows(ports) == []
    milestones.tell(last=True)
    assert set(rows(ports)[0].at_ms) == {"supervisor", "codec_ready"}


def test_a_write_that_the_store_did_not_take_is_made_up_for(counted):
    milestones = started(counted)
    milestones.reached("engine_ready", flavour="torch default")
    counted.table.away = True
    milestones.tell()
    assert not milestones.pending  # or every look would ask again
    counted.table.away = False
    milestones.tell(last=True)
    assert "engine_ready" in rows(counted)[0].at_ms


def test_what_the_launcher_told_later_is_told_too(counted):
    milestones = started(counted)
    milestones.reached("engine_ready", flavour="torch default")
    milestones.tell()
    row = counted.table.read("slot/0")
    counted.table.replace(replace(row, doc=json.dumps(json.loads(row.doc) | {"answered_ms": 20})))
    milestones.reached("first_result")
    milestones.tell()
    assert rows(counted)[0].at_ms["launched"] == 20


def test_the_launch_of_another_machine_is_not_ours(counted):
    row = counted.table.read("slot/0")
    counted.table.replace(replace(row, doc=json.dumps(json.loads(row.doc) | {"epoch": 2})))
    milestones = started(counted)
    milestones.tell(last=True)
    assert set(rows(counted)[0].at_ms) == {"supervisor"}


def test_a_kernel_that_booted_before_the_launch_is_not_this_starts(ports):
    now = now_ms()
    doc = {"epoch": 1, "asked_ms": now - 30_000, "launched_ms": now - 30_000, "answered_ms": now - 29_000}
    ports.table.insert(Row(key="slot/0", doc=json.dumps(doc)))
    milestones = started(ports, kernel=now - 5_000_000, unit=now - 2000)
    milestones.tell(last=True)
    assert set(rows(ports)[0].at_ms) == {"asked", "launched", "unit", "supervisor"}


@pytest.mark.parametrize(
    ("fleet", "launched", "unit", "known"),
    [
        ("ec2:lamp", True, "1700000000000", {"kernel", "unit"}),
        ("ec2:lamp", True, "", {"kernel"}),
        ("ec2:lamp", True, "soon", {"kernel"}),
        ("ec2:lamp", False, "1700000000000", set()),
        ("process:machines", True, "1700000000000", set()),
        ("none:", True, "1700000000000", set()),
    ],
)
def test_only_a_machine_of_a_cloud_has_a_kernel_and_a_unit_of_its_own(fleet, launched, unit, known):
    now = now_ms()
    found = host_milestones(unit_started_ms=unit, fleet=fleet, launched=launched, now=now)
    assert set(found) == known
    assert found.get("kernel", 0) < now


def test_a_worker_tells_its_whole_start(start, send, until, eventually, ports):
    accepted = send()
    start("bright")
    until(accepted, lambda job: job.finished)
    eventually(lambda: rows(ports) and "first_result" in rows(ports)[0].at_ms)
    [told] = rows(ports)
    assert told.flavour.endswith(" default")
    ms = told.at_ms
    assert set(ms) == {
        *("asked", "supervisor", "codec_ready", "first_receive", "engine_ready", "first_decode", "first_result")
    }
    assert ms["asked"] <= ms["supervisor"] <= ms["first_receive"] <= ms["first_decode"] <= ms["first_result"]
    assert max(ms["codec_ready"], ms["engine_ready"]) <= ms["first_result"]
