"""What DynamoDB charges for a request: read and write units, from the items that it touched.

Rules: "DynamoDB read and write operations" and "DynamoDB item sizes and formats" in its developer guide. A fake's own
`ConsumedCapacity` knows neither sizes nor indexes, so we do the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

Item = Mapping[str, Mapping[str, str]]
READ_BYTES = 4096
WRITE_BYTES = 1024
ENTRY_BYTES = 128  # of an index that holds keys alone: a row's key, a list's name and a rank


def item_bytes(item: Item) -> int:
    """Names and values; a number takes half a byte for each digit and one byte more."""
    total = 0
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        digits = len(value.lstrip("-").replace(".", ""))
        total += len(name.encode()) + (math.ceil(digits / 2) + 1 if kind == "N" else len(value.encode()))
    return total


def read_units(item: Item | None) -> int:
    """A consistent read by key; one unit where there is nothing, too."""
    return max(1, math.ceil(item_bytes(item) / READ_BYTES)) if item else 1


def query_units(entries: int) -> float:
    """A query of an index that holds keys alone: half a unit for each 4 KB, for an index may lag."""
    return max(1, math.ceil(entries * ENTRY_BYTES / READ_BYTES)) / 2


def write_units(before: Item | None, after: Item | None, indexes: Sequence[tuple[str, str]] = ()) -> int:
    """The larger of the two items, and for each index whose entry changed one unit to remove and one to add it.

    `indexes` are their (hash, range) attributes; they hold keys alone, and items without both are not in them. A write
    whose condition did not hold changes nothing and costs the item all the same.
    """
    largest = max(item_bytes(each) if each else 0 for each in (before, after))
    units = max(1, math.ceil(largest / WRITE_BYTES))
    for names in indexes:
        old, new = _entry(before, names), _entry(after, names)
        if old != new:
            units += (old is not None) + (new is not None)
    return units


def _entry(item: Item | None, names: tuple[str, str]) -> tuple[Mapping[str, str], ...] | None:
    if item is None or not all(name in item for name in names):
        return None
    return tuple(item[name] for name in names)
