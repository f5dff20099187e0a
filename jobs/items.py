"""DynamoDB's items: reading, conditional writing and listing them, in words that leave retries and pages behind.

Numbers travel as text and so stay exact. A write whose answer was lost and that botocore sent again would find its own
condition broken by itself: each write leaves an id of its own, by which it is known.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jobs.clients import TRIES, Clients, Declined, reaching
from jobs.errors import StoreBusy

Item = dict[str, dict[str, str]]
Values = dict[str, dict[str, str]]
BATCH = 100  # keys in one BatchGetItem
BATCH_TRIES = 5


def text(value: str) -> dict[str, str]:
    return {"S": value}


def number(value: int) -> dict[str, str]:
    return {"N": str(value)}


class Items:
    """The items of one table, by `row_key`. Reads by key are consistent, those of an index may lag. Any call may raise
    StoreBusy.
    """

    def __init__(self, table: str, clients: Clients, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._clients = clients
        self._sleep = sleep

    def one(self, key: str) -> Item | None:
        return self._ask("get_item", TableName=self._table, Key=_key(key), ConsistentRead=True).get("Item")

    def many(self, keys: Iterable[str]) -> list[Item]:
        wanted = list(dict.fromkeys(keys))
        return [each for start in range(0, len(wanted), BATCH) for each in self._batch(wanted[start : start + BATCH])]

    def write(
        self, key: str, change: str, *, condition: str, values: Values, tries: int = TRIES, returns: bool = False
    ) -> tuple[bool, Item]:
        """Update the item if the condition holds: True, and with `returns` the item; or False and the item as it is.

        `change` sets `write_id = :write`, which is filled in here.
        """
        mine = text(uuid.uuid4().hex)
        try:
            answer = self._ask(
                "update_item",
                tries=tries,
                TableName=self._table,
                Key=_key(key),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeValues=values | {":write": mine},
                ReturnValues="ALL_NEW" if returns else "NONE",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except Declined as no:
            known = _unconditional(no)
            return known.get("write_id") == mine, known
        return True, answer.get("Attributes", {})

    def remove(self, key: str, *, condition: str, values: Values) -> bool:
        """Whether the condition held."""
        try:
            self._ask(
                "delete_item",
                TableName=self._table,
                Key=_key(key),
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except Declined as no:
            _unconditional(no)
            return False
        return True

    def listed(self, index: str, condition: str, values: Values, *, limit: int) -> list[Item]:
        """The items below the first `limit` keys of an index, in no order, as they are now."""
        keys: list[str] = []
        for page in self._pages(index, condition, values, Limit=limit):
            keys += [each["row_key"]["S"] for each in page["Items"]]
            if len(keys) >= limit:
                break
        return self.many(keys[:limit])

    def count(self, index: str, condition: str, values: Values) -> int:
        return sum(page["Count"] for page in self._pages(index, condition, values, Select="COUNT"))

    def client(self, tries: int = TRIES) -> Any:
        """What speaks to DynamoDB; made at the first call."""
        return self._clients.client("dynamodb", tries=tries)

    def _batch(self, keys: list[str]) -> list[Item]:
        """What DynamoDB leaves out under load is asked for again, a few times."""
        left: dict[str, Any] = {self._table: {"Keys": [_key(key) for key in keys], "ConsistentRead": True}}
        found: list[Item] = []
        for pause in range(BATCH_TRIES):
            answer = self._ask("batch_get_item", RequestItems=left)
            found += answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys", {})
            if not left:
                return found
            self._sleep(0.05 * 2**pause)
        raise StoreBusy(f"{self._table} leaves keys out again and again")

    def _pages(self, index: str, condition: str, values: Values, **asked: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self._ask(
                "query",
                TableName=self._table,
                IndexName=index,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                **asked,
            )
            yield page
            if "LastEvaluatedKey" not in page:
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _ask(self, operation: str, *, tries: int = TRIES, **request: Any) -> dict[str, Any]:
        with reaching(self._table):
            answer: dict[str, Any] = getattr(self.client(tries), operation)(**request)
        return answer


def _key(key: str) -> Item:
    return {"row_key": text(key)}


def _unconditional(no: Declined) -> Item:
    """The item for which a condition did not hold; any other no is raised."""
    if no.code != "ConditionalCheckFailedException":
        raise no
    known: Item = no.answer.get("Item", {})
    return known
