"""The row of a cold start."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from jobs.milestones import GROUP, KEPT_MS, ColdStart, cold_starts, write_start
from jobs.ports import Ports
from jobs.sweep import sweep
from jobs.table import JobTable
from tests.jobs.clocks import FakeClock
from tests.jobs.made import NOW

START = ColdStart(
    worker="slot0-3",
    slot=0,
    epoch=3,
    flavour="openvino default",
    at_ms={"asked": NOW - 900, "launched": NOW - 800, "supervisor": NOW, "engine_ready": NOW + 700},
)


def test_a_start_is_written_over_as_it_goes_on(table: JobTable) -> None:
    first = write_start(table, START)
    whole = replace(first, at_ms={**START.at_ms, "first_result": NOW + 2100})
    write_start(table, whole)
    [read] = cold_starts(table, since_ms=0)
    assert (read.worker, read.slot, read.epoch, read.flavour) == ("slot0-3", 0, 3, "openvino default")
    assert read.at_ms == whole.at_ms
    assert read.first_ms == NOW - 900


def test_starts_are_told_oldest_first_from_a_moment_on(table: JobTable) -> None:
    for epoch in (2, 1):
        write_start(table, replace(START, worker=f"slot0-{epoch}", epoch=epoch, at_ms={"supervisor": NOW + epoch}))
    assert [each.epoch for each in cold_starts(table, since_ms=0)] == [1, 2]
    assert [each.epoch for each in cold_starts(table, since_ms=NOW + 2)] == [2]


def test_the_row_of_another_start_is_left_alone(table: JobTable) -> None:
    write_start(table, START)
    write_start(table, replace(START, at_ms={"supervisor": NOW + 5}))  # the same name, and nothing read of it
    assert cold_starts(table, since_ms=0)[0].at_ms == START.at_ms


@pytest.mark.parametrize(
    "doc", ["no start", "5", "{}", '{"worker": "x", "slot": 0, "epoch": 1, "flavour": "", "at_ms": {}}']
)
def test_one_that_cannot_be_read_hides_no_other(table: JobTable, doc: str) -> None:
    table.insert(replace(START.to_row(), key=f"{GROUP}/odd", doc=doc))
    write_start(table, START)
    assert [each.worker for each in cold_starts(table, since_ms=0)] == [START.worker]


def test_a_start_is_forgotten_after_a_week(ports: Ports, clock: FakeClock) -> None:
    write_start(ports.table, replace(START, at_ms={"supervisor": clock()}))
    clock.ms += KEPT_MS - 1
    sweep(ports)
    assert len(cold_starts(ports.table, since_ms=0)) == 1
    clock.ms += 1
    sweep(ports)
    assert cold_starts(ports.table, since_ms=0) == []


def test_what_a_newer_release_says_more_is_left_out(table: JobTable) -> None:
    written = write_start(table, START)
    doc = json.loads(written.to_row().doc)
    doc["at_ms"]["first_smile"] = NOW
    table.replace(replace(written.to_row(), doc=json.dumps(doc | {"weather": "fair"})))
    assert cold_starts(table, since_ms=0)[0].at_ms == START.at_ms
