"""What only DynamoDB has to care for: lost answers, newer releases' attributes, exact numbers, keys left out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jobs.clients import Clients
from jobs.counters import KEPT_S
from jobs.errors import RowChanged, RowExists, StoreBusy
from jobs.items import BATCH_TRIES, Items
from jobs.settings import Settings
from jobs.table import DynamoTable, Row
from tests.jobs.calls import CallCounter
from tests.jobs.clouds import Cloud

NOW = 1_800_000_000_000


@pytest.fixture
def made(moto: Cloud) -> Settings:
    return moto.settings()


@pytest.fixture
def name(made: Settings) -> str:
    return made.table.removeprefix("dynamodb://")


@pytest.fixture
def counter() -> CallCounter:
    return CallCounter()


@pytest.fixture
def clients(moto: Cloud, counter: CallCounter, no_pauses: None) -> Clients:
    return Clients(heard=counter.heard)


@pytest.fixture
def table(name: str, clients: Clients) -> DynamoTable:
    return DynamoTable(name, clients)


def fault(does: str, times: int = 1) -> list[dict[str, Any]]:
    return [{"action": "UpdateItem", "does": does, "times": times}]


@pytest.mark.parametrize("does", ["503", "lost", "deaf"])
def test_a_write_that_went_wrong_on_its_way_is_written_once(table: DynamoTable, moto: Cloud, does: str) -> None:
    moto.order(faults=fault(does))
    first = table.insert(Row(key="a", doc="1"))
    moto.order(faults=fault(does))
    second = table.replace(replace(first, doc="2"))
    assert (first.revision, second.revision) == (1, 2)
    assert table.read("a") == second
    with pytest.raises(RowExists):
        table.insert(Row(key="a", doc="other"))
    with pytest.raises(RowChanged):
        table.replace(replace(first, doc="other"))


def test_a_delete_whose_answer_was_lost_is_done(table: DynamoTable, moto: Cloud) -> None:
    row = table.insert(Row(key="a", doc="1"))
    moto.order(faults=[{"action": "DeleteItem", "does": "lost", "times": 1}])
    table.delete(row)
    assert table.read("a") is None


@pytest.mark.parametrize("does", ["503", "lost", "deaf"])
def test_what_is_added_counts_once_whatever_happens_on_its_way(table: DynamoTable, moto: Cloud, does: str) -> None:
    for expected in (1, 2, 3):
        moto.order(faults=fault(does))
        assert table.add("c", 1, limit=3, expires_ms=NOW + 1000, now=NOW) == expected
    moto.order(faults=[])
    assert table.add("c", 1, limit=3, expires_ms=NOW + 1000, now=NOW) is None


def test_a_refund_that_may_be_lost_is_not_repeated(table: DynamoTable, moto: Cloud, counter: CallCounter) -> None:
    table.add("c", 2, limit=None, expires_ms=NOW + 1000, now=NOW)
    counter.reset()
    moto.order(faults=fault("lost"))
    with pytest.raises(StoreBusy):
        table.add("c", -1, limit=None, expires_ms=NOW + 1000, now=NOW)
    assert counter.times("dynamodb") == 1
    assert table.add("c", 0, limit=None, expires_ms=NOW + 1000, now=NOW) == 1


def test_a_table_that_stays_away_is_busy(table: DynamoTable, moto: Cloud) -> None:
    moto.order(faults=[{"action": "*", "does": "503", "times": 100}])
    for ask in (
        lambda: table.read("a"),
        lambda: table.insert(Row(key="a", doc="")),
        lambda: table.due(now=1, limit=1),
        lambda: table.count("g"),
    ):
        with pytest.raises(StoreBusy):
            ask()


def test_a_replaced_row_keeps_what_a_newer_release_added(table: DynamoTable, name: str, clients: Clients) -> None:
    row = table.insert(Row(key="a", doc="1"))
    client = clients.client("dynamodb")
    client.update_item(
        TableName=name,
        Key={"row_key": {"S": "a"}},
        UpdateExpression="SET newer = :newer",
        ExpressionAttributeValues={":newer": {"S": "kept"}},
    )
    table.replace(replace(row, doc="2"))
    item = client.get_item(TableName=name, Key={"row_key": {"S": "a"}})["Item"]
    assert (item["newer"]["S"], item["doc"]["S"]) == ("kept", "2")


def test_numbers_stay_exact(table: DynamoTable) -> None:
    beyond_floats = 2**53 + 1
    row = table.insert(Row(key="a", doc="", due_ms=beyond_floats, group="g", rank_ms=-beyond_floats))
    assert table.read("a") == row
    assert table.due(now=beyond_floats - 1, limit=10) == []
    assert table.due(now=beyond_floats, limit=10) == [row]


def test_a_row_that_waits_for_nothing_is_in_no_index(table: DynamoTable, name: str, clients: Clients) -> None:
    row = table.insert(Row(key="a", doc="", due_ms=1, group="g"))
    table.replace(replace(row, due_ms=None, group=None))
    for index in ("due", "listed"):
        assert clients.client("dynamodb").scan(TableName=name, IndexName=index)["Items"] == []


def test_a_counter_is_removed_by_the_table_itself_a_day_after_its_expiry(
    table: DynamoTable, name: str, clients: Clients
) -> None:
    table.add("c", 1, limit=None, expires_ms=NOW + 5000, now=NOW)
    item = clients.client("dynamodb").get_item(TableName=name, Key={"row_key": {"S": "counter/c"}})["Item"]
    assert int(item["expires_s"]["N"]) == NOW // 1000 + 5 + KEPT_S


def test_keys_that_are_left_out_under_load_are_asked_for_again(name: str, table: DynamoTable, clients: Clients) -> None:
    for key in "abc":
        table.insert(Row(key=key, doc=key))
    forgetful = Forgetful(name, times=2)
    clients.client("dynamodb").meta.events.register("after-call.dynamodb.BatchGetItem", forgetful)
    pauses: list[float] = []
    items = Items(name, clients, sleep=pauses.append)
    assert {item["doc"]["S"] for item in items.many("abc")} == {"a", "b", "c"}
    assert pauses == [0.05, 0.1]
    forgetful.times = 1000
    with pytest.raises(StoreBusy):
        items.many("abc")
    assert len(pauses) == 2 + BATCH_TRIES


class Forgetful:
    """Leaves one of the items that came out of the answer, as DynamoDB may under load."""

    def __init__(self, table: str, *, times: int) -> None:
        self.table = table
        self.times = times

    def __call__(self, parsed: dict[str, Any], **_: object) -> None:
        if self.times > 0:
            self.times -= 1
            left = parsed["Responses"][self.table].pop()
            keys = [{"row_key": left["row_key"]}]
            parsed["UnprocessedKeys"] = {self.table: {"Keys": keys, "ConsistentRead": True}}
