"""A meter between us and AWS: every request by its stage, and what DynamoDB charges for it."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.units import Item, query_units, read_units, write_units
from jobs.clients import READ_S, TRIES, Clients
from jobs.provision import TABLE_LAYOUT

INDEXES = [
    (index["KeySchema"][0]["AttributeName"], index["KeySchema"][1]["AttributeName"])
    for index in TABLE_LAYOUT["GlobalSecondaryIndexes"]
]
Call = tuple[str, str]
HEARTBEAT = "worker/"  # keys of the rows that tell of a worker's life


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was asked of AWS: requests by service and operation (`s3`, `PutObject`), and DynamoDB's units."""

    calls: Mapping[Call, float] = field(default_factory=dict)
    reads: float = 0.0
    writes: float = 0.0

    def __add__(self, other: Use) -> Use:
        calls = {call: self.calls.get(call, 0) + other.calls.get(call, 0) for call in {**self.calls, **other.calls}}
        return Use(calls=calls, reads=self.reads + other.reads, writes=self.writes + other.writes)

    def __mul__(self, times: float) -> Use:
        calls = {call: count * times for call, count in self.calls.items()}
        return Use(calls=calls, reads=self.reads * times, writes=self.writes * times)

    def times(self, service: str, *operations: str) -> float:
        """Requests of these operations; all of the service's when none is named."""
        return sum(
            count
            for (of, name), count in self.calls.items()
            if of == service and (not operations or name in operations)
        )


class Meter:
    """Adds up by `stage`, which its owner sets; thread-safe. `life` collects what a worker asks without a photo."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: defaultdict[str, Counter[Call]] = defaultdict(Counter)
        self._reads: defaultdict[str, float] = defaultdict(float)
        self._writes: defaultdict[str, float] = defaultdict(float)
        self.stage = ""
        self.heard = 0

    def add(self, service: str, operation: str, *, reads: float = 0, writes: float = 0, life: bool = False) -> None:
        stage = "life" if life else self.stage
        with self._lock:
            self.heard += 1
            self._calls[stage][service, operation] += 1
            self._reads[stage] += reads
            self._writes[stage] += writes

    def use(self, stage: str) -> Use:
        with self._lock:
            calls: dict[Call, float] = {**self._calls[stage]}
            return Use(calls=calls, reads=self._reads[stage], writes=self._writes[stage])


class MeteredClients(Clients):
    """Clients whose requests a meter hears, answered ones; the fakes answer at the first try."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter
        self._unheard = Clients()
        self._wired: set[int] = set()
        self._wiring = threading.Lock()

    def client(self, service: str, *, read_s: float = READ_S, tries: int = TRIES, endpoint: str | None = None) -> Any:
        made = super().client(service, read_s=read_s, tries=tries, endpoint=endpoint)
        with self._wiring:
            if id(made) not in self._wired:
                self._wired.add(id(made))
                made.meta.events.register(f"before-parameter-build.{service}", self._asked)
                made.meta.events.register(f"after-call.{service}", self._answered)
        return made

    def _asked(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params
        if model.name in ("UpdateItem", "DeleteItem"):
            context["before"] = self._item(params)

    def _answered(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        service, asked = model.service_model.service_name, context.get("asked", {})
        key = asked.get("Key", {})
        life = isinstance(key, dict) and key.get("row_key", {}).get("S", "").startswith(HEARTBEAT)
        life |= model.name == "ReceiveMessage" and not parsed.get("Messages")
        reads = writes = 0.0
        if model.name == "GetItem":
            reads = read_units(parsed.get("Item"))
        elif model.name == "BatchGetItem":
            reads = self._batch(asked, parsed)
        elif model.name == "Query":
            reads = query_units(parsed.get("ScannedCount", 0))
        elif model.name in ("UpdateItem", "DeleteItem"):
            before = context["before"]
            writes = write_units(before, before if "Error" in parsed else self._item(asked), INDEXES)
        elif service == "dynamodb":
            raise ValueError(f"nobody knows what {model.name} costs")
        self._meter.add(service, model.name, reads=reads, writes=writes, life=life)

    def _item(self, asked: dict[str, Any]) -> Item | None:
        found: Item | None = (
            self._unheard.client("dynamodb")
            .get_item(TableName=asked["TableName"], Key=asked["Key"], ConsistentRead=True)
            .get("Item")
        )
        return found

    def _batch(self, asked: dict[str, Any], parsed: dict[str, Any]) -> int:
        keys = sum(len(each["Keys"]) for each in asked["RequestItems"].values())
        found = [item for items in parsed.get("Responses", {}).values() for item in items]
        return sum(read_units(item) for item in found) + keys - len(found)
