"""The table: a readable file on a laptop; in DynamoDB there, active, with its two indexes and expiry."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from urllib.parse import urlsplit

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from fleet.checkup.world import World
from jobs.errors import StoreBusy, StoreUnusable
from jobs.table import DUE, LISTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`missing` are the indexes that are not there; `damage` what SQLite said of a file that it cannot use."""

    name: str
    exists: bool = True
    active: bool = True
    missing: tuple[str, ...] = ()
    expires: bool = True
    damage: str = ""


def observed(world: World) -> Table:
    """Raises Forbidden, StoreBusy."""
    url = world.settings.table
    if url.startswith("dynamodb:"):
        return _in_dynamodb(world.asks, urlsplit(url).netloc)
    try:
        world.stores.ledger.waiting()
        world.stores.queue.depth()
    except (sqlite3.Error, StoreBusy) as no:
        return Table(name=url.partition(":")[2], damage=str(no))
    return Table(name=url.partition(":")[2])


def _in_dynamodb(questions: Questions, name: str) -> Table:
    try:
        table = questions.ask("dynamodb", "describe_table", TableName=name)["Table"]
    except StoreUnusable as no:
        if "does not exist" in str(no):
            return Table(name=name, exists=False)
        raise
    expiry = questions.ask("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
    indexes = {each["IndexName"] for each in table.get("GlobalSecondaryIndexes", [])}
    return Table(
        name=name,
        active=table["TableStatus"] in ("ACTIVE", "UPDATING"),
        missing=tuple(sorted({DUE, LISTED} - indexes)),
        expires=expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
    )


def findings(table: Table) -> list[Finding]:
    """Pure."""
    if table.damage:
        return [
            error(
                "table_unusable",
                f"What is known of the photos cannot be read from {table.name}: {table.damage}",
                "End whoever holds it, give read and write access there, or move a damaged file away.",
            )
        ]
    if not table.exists:
        return [
            error(
                "no_table",
                f"There is no table {table.name}.",
                "Run `firstlight setup` or `make deploy`, and set TABLE as it says.",
            )
        ]
    found = []
    if not table.active:
        found.append(
            error("table_not_active", f"The table {table.name} is being made or removed.", "Wait a minute; look again.")
        )
    if table.missing:
        found.append(
            error(
                "no_index",
                f"The table {table.name} lacks the index {' and '.join(table.missing)}: nothing is swept or listed.",
                "Make a new one by `firstlight setup --name OTHER`, or run `make deploy`.",
            )
        )
    if not table.expires:
        found.append(
            warning(
                "no_expiry",
                f"The table {table.name} keeps the counters of past days for ever.",
                "Run `firstlight setup`: it switches on the expiry of `expires_s`.",
            )
        )
    return found
