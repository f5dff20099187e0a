"""Slot rows: kept whole, settled when their machine is gone, paused when set-ups fail in a row."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fleet.slots import Slot, begun, failed, launched, read_slots, settled, without_capacity, write_slot
from jobs.errors import RowChanged, RowExists
from jobs.heartbeat import Heartbeat
from jobs.ports import Ports
from jobs.table import Row

NOW = 1_800_000_000_000
LAUNCHED = Slot(number=0, epoch=4, outcome="launched", launched_ms=NOW - 60_000, failures=2, trouble_ms=5)


def sign(**facts: object) -> Heartbeat:
    known = {"state": "loading", "started_ms": NOW - 50_000, "beat_ms": NOW - 1000}
    return Heartbeat(worker="slot0-4", slot=0, epoch=4, **known | facts)


def gone(heartbeat: Heartbeat | None, slot: Slot = LAUNCHED, *, now: int = NOW) -> Slot:
    return settled(slot, machine_is_up=False, heartbeat=heartbeat, now=now)


def test_a_row_is_written_by_one_of_those_who_read_it(ports: Ports) -> None:
    first = write_slot(ports.table, Slot(number=3))
    with pytest.raises(RowExists):
        write_slot(ports.table, Slot(number=3))
    second = write_slot(ports.table, begun(first, reason="upload", now=NOW))
    with pytest.raises(RowChanged):
        write_slot(ports.table, begun(first, reason="view", now=NOW))
    assert read_slots(ports.table) == [second]
    assert (second.epoch, second.outcome, second.reason) == (1, "launching", "upload")


def test_a_row_of_another_release_is_read_and_its_fields_are_kept(ports: Ports) -> None:
    ports.table.insert(Row(key="slot/0", doc='{"number": 0, "epoch": 7, "zone": "b"}', group="slot"))
    (slot,) = read_slots(ports.table)
    assert (slot.epoch, slot.outcome, slot.failures) == (7, "never", 0)
    write_slot(ports.table, begun(slot, reason="tick", now=NOW))
    row = ports.table.read("slot/0")
    assert row is not None
    assert json.loads(row.doc)["zone"] == "b"
    assert json.loads(row.doc)["epoch"] == 8


def test_the_epoch_grows_with_every_launch_but_one_that_never_happened() -> None:
    assert begun(LAUNCHED, reason="tick", now=NOW).epoch == 5
    assert begun(replace(LAUNCHED, outcome="launching"), reason="tick", now=NOW).epoch == 4


def test_there_is_nothing_to_settle_while_the_machine_is_up_or_was_settled() -> None:
    assert settled(LAUNCHED, machine_is_up=True, heartbeat=None, now=NOW) is LAUNCHED
    for outcome in ("never", "launching", "ended", "no_capacity", "refused", "no_budget"):
        slot = replace(LAUNCHED, outcome=outcome)
        assert gone(None, slot) is slot


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (None, "The worker ended before its first sign of life."),
        (sign(), "The worker ended before it was ready."),
        (sign(state="setup_failed", detail="No weights."), "No weights."),
        (sign(state="ready", ready_ms=NOW - 5000), "The worker ended as soon as it was ready."),
    ],
)
def test_a_machine_gone_before_it_could_work_is_a_failed_set_up(last, sentence) -> None:
    slot = gone(last)
    assert (slot.outcome, slot.failures, slot.detail) == ("ended", 3, sentence)
    assert slot.not_before_ms > NOW


@pytest.mark.parametrize(
    "last",
    [
        sign(state="draining"),
        sign(state="draining", ready_ms=NOW - 2000),
        sign(state="busy", ready_ms=NOW - 2000, last_job_ms=NOW - 1500),
        sign(state="defunct", ready_ms=NOW - 2000, last_job_ms=NOW - 1500),
        sign(state="ready", ready_ms=NOW - 70_000, beat_ms=NOW - 1000),
    ],
)
def test_a_machine_that_worked_or_was_told_to_end_clears_the_count(last) -> None:
    slot = gone(last)
    assert (slot.outcome, slot.failures, slot.not_before_ms, slot.trouble_ms) == ("ended", 0, 0, 0)


def test_a_launch_too_long_ago_to_know_is_neither_good_nor_bad() -> None:
    slot = gone(None, now=LAUNCHED.launched_ms + 3_600_000)
    assert (slot.outcome, slot.failures) == ("ended", 2)


def test_the_third_failure_in_a_row_opens_a_pause_that_grows_to_half_an_hour() -> None:
    slot, pauses = Slot(number=0), []
    for _ in range(10):
        slot = failed(slot, outcome="ended", detail="", now=NOW)
        pauses.append((slot.not_before_ms - NOW) // 60_000)
    assert pauses == [0, 0, 2, 4, 8, 16, 30, 30, 30, 30]


def test_want_of_capacity_backs_off_to_a_minute() -> None:
    slot, pauses = Slot(number=0), []
    for _ in range(6):
        slot = without_capacity(slot, detail="none", now=NOW)
        pauses.append((slot.not_before_ms - NOW) // 1000)
        now_and_later = replace(slot, not_before_ms=0)
        assert without_capacity(now_and_later, detail="none", now=NOW + 1).trouble_ms == NOW
    assert pauses == [5, 10, 20, 40, 60, 60]
    assert slot.failures == 0


def test_the_wish_for_a_machine_outlives_the_ticks_tries_and_not_the_next_visitor() -> None:
    asked = begun(Slot(number=0), reason="upload", now=NOW)
    assert (asked.asked_ms, asked.answered_ms) == (NOW, 0)
    refused = without_capacity(asked, detail="", now=NOW + 100)
    assert begun(refused, reason="tick", now=NOW + 9000).asked_ms == NOW
    assert begun(refused, reason="view", now=NOW + 9000).asked_ms == NOW + 9000
    up = launched(asked, now=NOW + 1500)
    assert (up.asked_ms, up.launched_ms, up.answered_ms) == (NOW, NOW, NOW + 1500)
    assert begun(replace(up, outcome="ended"), reason="tick", now=NOW + 60_000).asked_ms == NOW + 60_000
