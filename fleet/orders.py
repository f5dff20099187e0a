"""An order: the row that says what EC2 is asked for in a slot's epoch, and which machine it answered with.

Whoever tries an epoch again sends the very same order, because EC2 takes a token only with the parameters it came
with first. A machine that EC2's list does not show yet is known from here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from fleet.instance_types import Flavour, Market
from fleet.ladder import Offer, Pool, Subnet
from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

GROUP = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Times are wall-clock milliseconds UTC. `offer` is None once EC2 has refused it; `machine` is EC2's instance id.

    `deadline_ms` is the hard age: after it nobody needs to ask whether the machine may go. `released` once what the
    offer had reserved of the day's cap was given back.
    """

    slot: int
    epoch: int
    offer: Offer | None
    deadline_ms: int
    machine: str = ""
    type: str = ""
    answered_ms: int = 0
    released: bool = False
    revision: int = 0

    def to_row(self) -> Row:
        doc = asdict(self)
        revision = doc.pop("revision")
        return Row(
            key=f"{GROUP}/{self.slot}",
            doc=json.dumps(doc, separators=(",", ":")),
            revision=revision,
        )

    @classmethod
    def from_row(cls, row: Row) -> Order:
        """What a newer release adds is left out; an order lives as long as its machine."""
        return _read(row.doc, row.revision)


def read_orders(table: JobTable, *, up_to: int) -> list[Order]:
    """The orders of the slots below `up_to`, as they are now."""
    rows = table.read_many(f"{GROUP}/{number}" for number in range(up_to))
    return [Order.from_row(row) for row in rows.values()]


def read_order(table: JobTable, slot: int) -> Order | None:
    row = table.read(f"{GROUP}/{slot}")
    return Order.from_row(row) if row else None


def write_order(table: JobTable, order: Order) -> Order | None:
    """The order as written over the revision that was read, or None when somebody else was faster."""
    row = order.to_row()
    try:
        written = table.insert(row) if order.revision == 0 else table.replace(row)
    except (RowExists, RowChanged):
        return None
    return replace(order, revision=written.revision)


@lru_cache(maxsize=256)  # each look reads all orders again; an offer has a hundred pools, and hardly ever changes
def _read(text: str, revision: int) -> Order:
    doc: dict[str, Any] = json.loads(text)
    given = doc.get("offer")
    return Order(
        slot=doc["slot"],
        epoch=doc["epoch"],
        offer=_offer(given) if given else None,
        deadline_ms=doc["deadline_ms"],
        machine=doc.get("machine", ""),
        type=doc.get("type", ""),
        answered_ms=doc.get("answered_ms", 0),
        released=doc.get("released", False),
        revision=revision,
    )


def _offer(doc: dict[str, Any]) -> Offer:
    flavour: Flavour = doc["flavour"]
    market: Market = doc["market"]
    pools = tuple(Pool(type=each["type"], subnet=Subnet(**each["subnet"])) for each in doc["pools"])
    return Offer(flavour=flavour, market=market, pools=pools)
