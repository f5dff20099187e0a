"""Signs of life: the newest of each worker, for as long as they mean something."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, replace

import pytest

from jobs.heartbeat import FORGET_AFTER_MS, GROUP, Heartbeat, beat, heartbeats
from jobs.ports import Ports
from jobs.sweep import sweep
from jobs.table import JobTable, Row
from tests.jobs.clocks import FakeClock
from tests.jobs.made import NOW

SIGN = Heartbeat(worker="slot0-1", slot=0, epoch=1, state="loading", started_ms=NOW, beat_ms=NOW)


def test_a_worker_has_one_sign_of_life_the_newest(table: JobTable) -> None:
    beat(table, SIGN)
    later = replace(SIGN, state="ready", beat_ms=NOW + 5000, ready_ms=NOW + 4000, engine="torch")
    beat(table, later)
    other = replace(SIGN, worker="b", slot=-1, epoch=0, beat_ms=NOW + 1000)
    beat(table, other)
    assert heartbeats(table, since_ms=0) == [other, later]
    assert heartbeats(table, since_ms=NOW + 2000) == [later]


@pytest.mark.parametrize(
    "doc", ["no sign", "{}", "5", '{"worker": "x"}', json.dumps(asdict(SIGN) | {"beat_ms": "now"})]
)
def test_one_that_cannot_be_read_hides_no_other(table: JobTable, doc: str) -> None:
    beat(table, SIGN)
    table.insert(Row(key="worker/odd", doc=doc, group=GROUP, rank_ms=NOW))
    assert heartbeats(table, since_ms=0) == [SIGN]


def test_within_a_minute_a_sign_moves_in_no_list(table: JobTable) -> None:
    """DynamoDB charges each move twice: of five writes for a heartbeat four were moves."""
    places = set()
    for step in range(1, 13):
        beat(table, replace(SIGN, beat_ms=NOW + 5000 * step))
        row = table.read("worker/slot0-1")
        assert row is not None
        places.add((row.due_ms, row.rank_ms))
        assert [sign.beat_ms for sign in heartbeats(table, since_ms=NOW + 5000 * step)] == [NOW + 5000 * step]
        assert heartbeats(table, since_ms=NOW + 5000 * step + 1) == []
    assert places == {(NOW + 60_000 + FORGET_AFTER_MS, NOW + 60_000)}


def test_a_sign_is_fresh_for_four_heartbeats_and_one_of_a_broken_clock_is_not() -> None:
    for seconds, fresh in ((0, True), (20, True), (20.001, False), (-20, True), (-21, False)):
        assert SIGN.is_fresh(now=NOW + int(seconds * 1000), heartbeat_ms=5000) is fresh


def test_only_ready_and_busy_workers_work() -> None:
    states = ("starting", "loading", "ready", "busy", "draining", "setup_failed", "defunct")
    assert [state for state in states if replace(SIGN, state=state).works] == ["ready", "busy"]


def test_signs_of_life_are_forgotten_after_ten_minutes(ports: Ports, clock: FakeClock) -> None:
    beat(ports.table, replace(SIGN, beat_ms=clock()))
    clock.ms += FORGET_AFTER_MS - 1
    sweep(ports)
    assert len(heartbeats(ports.table, since_ms=0)) == 1
    clock.ms += 1
    sweep(ports)
    assert heartbeats(ports.table, since_ms=0) == []


def test_two_threads_of_a_worker_may_beat_at_once(opened) -> None:
    def beats(number: int) -> None:
        table = opened().table
        for step in range(5):
            beat(table, replace(SIGN, beat_ms=NOW + 10 * step + number))

    threads = [threading.Thread(target=beats, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (sign,) = heartbeats(opened().table, since_ms=0)
    assert sign.beat_ms >= NOW + 30


def test_what_a_newer_release_says_more_is_left_out(table: JobTable) -> None:
    beat(table, SIGN)
    row = table.read("worker/slot0-1")
    assert row is not None
    table.replace(replace(row, doc=json.dumps(json.loads(row.doc) | {"gpu": "T4"})))
    assert heartbeats(table, since_ms=0) == [SIGN]
