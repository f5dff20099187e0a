"""Costs: DynamoDB's units by hand, bills by hand, and a whole life of the service that is really counted."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import fields, replace
from pathlib import Path

import pytest

from bench import counted as life
from bench.assumptions import Assumptions
from bench.costs import asked, bill, designs, idle, machine_s, report, tell, usd
from bench.counted import Counted
from bench.meter import Use
from bench.nights import night_jpeg
from bench.prices import Prices, sourced
from bench.units import item_bytes, query_units, read_units, write_units

PRICES, ASSUMED = Prices(), Assumptions()
NOTHING = Use()


def nothing(**used: Use) -> Counted:
    """A service that asks nothing but this."""
    names = [each.name for each in fields(Counted) if each.name[-5:] != "bytes"]
    return Counted(**{name: used.get(name, NOTHING) for name in names}, photo_bytes=0, result_bytes=0)


def test_an_item_weighs_its_names_its_letters_and_half_its_digits() -> None:
    assert item_bytes({"row_key": {"S": "job/1"}, "revision": {"N": "12345"}}) == 7 + 5 + 8 + 3 + 1
    assert item_bytes({"s": {"S": "é"}, "n": {"N": "-7"}}) == 1 + 2 + 1 + 1 + 1


def test_reads_are_charged_by_four_kilobytes_and_nothing_costs_one_unit() -> None:
    assert read_units(None) == 1
    assert read_units({"doc": {"S": "x" * 4093}}) == 1
    assert read_units({"doc": {"S": "x" * 4094}}) == 2
    assert query_units(0) == query_units(32) == 0.5
    assert query_units(33) == 1.0


def test_writes_are_charged_by_the_larger_item_and_by_the_index_entries_that_change() -> None:
    indexes = [("due_list", "due_ms"), ("listed_in", "rank_ms")]
    bare = {"row_key": {"S": "a"}, "doc": {"S": "x" * 900}}
    due = {**bare, "due_list": {"S": "due"}, "due_ms": {"N": "5"}}
    later = {**due, "due_ms": {"N": "6"}}
    both = {**due, "listed_in": {"S": "worker"}, "rank_ms": {"N": "1"}}
    large = {**due, "doc": {"S": "x" * 1100}}
    assert write_units(None, bare, indexes) == 1
    assert write_units(None, both, indexes) == 1 + 2
    assert write_units(bare, due, indexes) == 1 + 1
    assert write_units(due, later, indexes) == 1 + 2
    assert write_units(due, due, indexes) == 1  # a condition that did not hold
    assert write_units(large, due, indexes) == 2
    assert write_units(due, None, indexes) == 1 + 1
    assert write_units(None, None, indexes) == 1


def test_requests_are_charged_by_their_kind_and_deletes_are_free() -> None:
    calls = {
        ("s3", "PutObject"): 1e6,
        ("s3", "ListObjectsV2"): 1e6,
        ("s3", "GetObject"): 1e6,
        ("s3", "DeleteObject"): 1e6,
        ("sqs", "ReceiveMessage"): 3e6,
        ("ec2", "DescribeInstances"): 1e6,
        ("dynamodb", "Query"): 1e6,
    }
    use = Use(calls=calls, reads=2e6, writes=4e6)
    assert usd(use, PRICES) == pytest.approx(2 * 5.0 + 0.4 + 3 * 0.4 + 4 * 0.625 + 2 * 0.125)
    assert usd(use, PRICES, sqs_free=True) == pytest.approx(usd(use, PRICES) - 0.4)


def test_uses_add_up_and_scale() -> None:
    one = Use(calls={("s3", "PutObject"): 1}, reads=1, writes=2)
    other = Use(calls={("s3", "PutObject"): 2, ("sqs", "SendMessage"): 1}, reads=3)
    both = (one + other) * 2
    assert both.calls == {("s3", "PutObject"): 6, ("sqs", "SendMessage"): 2}
    assert (both.reads, both.writes) == (8, 4)


def test_a_visit_pays_for_boot_work_idling_and_the_end() -> None:
    gpu, cpu, *_, old = designs(PRICES, ASSUMED)
    assert machine_s(gpu, ASSUMED) == 47 + 5 * 2 + 4 * 15 + 90 + 5
    assert machine_s(gpu, ASSUMED) - machine_s(cpu, ASSUMED) == 22
    machine = 200 * machine_s(old, ASSUMED) / 3600 * PRICES.gpu_spot_hour
    assert machine == pytest.approx(11.64, abs=0.1)  # what earlier estimates say of the old system


def test_a_month_is_billed_by_hand_the_same() -> None:
    gpu = designs(PRICES, ASSUMED)[0]
    seen = nothing(
        streamed=Use(writes=1e3),
        launch=Use(writes=1e3),
        waiting_second=Use(reads=1),
        worker_minute=Use(calls={("sqs", "ReceiveMessage"): 30}),
        idle_tick=Use(reads=10),
        collect=Use(calls={("s3", "ListObjectsV2"): 2}),
        sign=Use(writes=1),
    )
    use = asked(gpu, seen, ASSUMED, photos=1000)
    assert use.writes == pytest.approx(1000 * 1e3 + 200 * 1e3)
    assert use.reads == pytest.approx(200 * (47 + 10))
    assert use.times("sqs") == pytest.approx(200 * 212 / 60 * 30)
    one = bill(gpu, replace(seen, result_bytes=200_000_000), PRICES, ASSUMED, photos=1000)
    assert one.requests == pytest.approx(1.2 * 0.625 + 200 * 57 / 1e6 * 0.125)
    assert one.machines == pytest.approx(200 * 212 / 3600 * (0.265 + 0.005 + (16 * 0.08 + 125 * 0.04) / 730))
    assert one.egress == pytest.approx((200 - 100) * 0.09)
    assert one.idle_requests == pytest.approx(87_600 * 10 / 1e6 * 0.125 + 730 * 2 / 1e6 * 5 + 21_900 / 1e6 * 0.625)
    assert one.host + one.address == pytest.approx(730 * (0.0104 + 0.005) + 16 * 0.08)
    assert one.snapshot == pytest.approx(0.5)
    assert one.total == pytest.approx(one.variable + one.standing)


def test_every_price_and_assumption_has_a_source() -> None:
    for name, figure, source in [*sourced(PRICES), *sourced(ASSUMED)]:
        assert figure > 0, name
        assert len(source) > 5, name


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counted:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(life, "QUIET_S", 0.2)
    monkeypatch.setattr(life, "TICKS", 1)
    monkeypatch.setattr(life, "WAIT_S", 2)
    seen = life.counted(night_jpeg(320, 200), photos=1, folder=tmp_path, engine="classical", minute_s=3)
    assert not [name for name in os.environ if name.startswith("AWS_")]
    return seen


def test_a_life_of_the_service_is_counted(counted: Counted) -> None:
    """Two PUT and two GET streamed, two and three direct; and an idle tick asks little."""
    streamed = counted.streamed + counted.work + counted.download
    direct = counted.direct + counted.direct_work + counted.download
    assert (streamed.times("s3", "PutObject"), streamed.times("s3", "GetObject"), streamed.times("s3")) == (2, 2, 4)
    assert (direct.times("s3", "PutObject", "PostObject"), direct.times("s3", "GetObject")) == (2, 3)
    assert counted.streamed.times("sqs") == counted.streamed.times("sqs", "SendMessage") == 1
    assert counted.work.times("sqs", "DeleteMessage") == 1
    assert counted.launch.times("ec2", "CreateFleet") == 1
    assert counted.launch.writes > counted.launch.times("dynamodb", "UpdateItem")
    assert 10 <= counted.worker_minute.times("sqs", "ReceiveMessage") <= 61
    assert counted.worker_minute.times("s3") == 0
    assert counted.idle_tick.times("dynamodb") <= 8
    assert counted.idle_tick.times("s3") == counted.idle_tick.times("sqs") == counted.idle_tick.writes == 0
    assert counted.tick_beside_machine.times("s3") == counted.tick_beside_machine.times("sqs") == 0
    assert counted.waiting_second.times("s3") == counted.waiting_second.times("sqs") == 0
    assert counted.forget.times("s3", "DeleteObject") == 2
    assert usd(idle(counted, ASSUMED), PRICES) < 0.1  # dollars a month in which nobody comes
    lines = list(report(counted, PRICES, ASSUMED))
    assert sum(line.startswith("| 10,000 |") for line in lines) == len(designs(PRICES, ASSUMED))
    told = io.StringIO()
    tell(told, counted, PRICES, ASSUMED)
    rows = list(csv.DictReader(io.StringIO(told.getvalue())))
    assert {row["kind"] for row in rows} == {"price", "assumption", "requests", "photo", "dollars a month"}
    assert all(row["source"] and float(row["figure"]) >= 0 for row in rows)
