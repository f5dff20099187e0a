"""Counters in DynamoDB that begin anew after their expiry and never pass a limit, atomic among all processes."""

from __future__ import annotations

from jobs.clients import TRIES
from jobs.errors import StoreBusy
from jobs.items import Items, number

KEPT_S = 24 * 3600  # after a counter's expiry, until DynamoDB itself removes it
ADD_TRIES = 4


class Counters:
    """JobTable's promises about counters, kept by items of their own in the table."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def add(self, counter: str, amount: int, *, limit: int | None, expires_ms: int, now: int) -> int | None:
        key = f"counter/{counter}"
        values = {":amount": number(amount), ":now": number(now)}
        room = {} if limit is None else {":room": number(limit - amount)}
        begin = {":expires": number(expires_ms), ":gone": number(expires_ms // 1000 + KEPT_S)}
        # Sent again after its answer was lost, a refund could count twice, and a budget would be overspent.
        tries = 1 if amount < 0 else TRIES
        for _ in range(ADD_TRIES):
            done, item = self._items.write(
                key,
                "SET write_id = :write ADD amount :amount",
                condition="expires_ms > :now AND write_id <> :write" + (" AND amount <= :room" if room else ""),
                values=values | room,
                tries=tries,
                returns=True,
            )
            if done:
                return int(item["amount"]["N"])
            if item and int(item["expires_ms"]["N"]) > now:
                return None
            if limit is not None and amount > limit:
                return None
            done, item = self._items.write(
                key,
                "SET write_id = :write, amount = :amount, expires_ms = :expires, expires_s = :gone",
                condition="attribute_not_exists(row_key) OR expires_ms <= :now",
                values=values | begin,
                tries=tries,
                returns=True,
            )
            if done:
                return int(item["amount"]["N"])
        raise StoreBusy(f"the counter {counter} begins anew again and again")

    def total(self, counter: str, *, now: int) -> int:
        item = self._items.one(f"counter/{counter}")
        return int(item["amount"]["N"]) if item and int(item["expires_ms"]["N"]) > now else 0
