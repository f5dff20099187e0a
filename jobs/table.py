"""Rows by key: the truth about jobs, machines and budgets; in a SQLite file on a laptop, in DynamoDB in the cloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from jobs.clients import Clients
from jobs.counters import Counters
from jobs.errors import RowChanged, RowExists
from jobs.items import Item, Items, Values, number, text
from jobs.sqlite import WAIT_S, Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A document with what the table itself must know of it.

    `revision` is the table's: 0 before the first write, then one more each write. `due_ms` says when the sweeper
    should look again, None never. `group` and `rank_ms` place the row in a list that can be read and counted in order.
    """

    key: str
    doc: str
    revision: int = 0
    due_ms: int | None = None
    group: str | None = None
    rank_ms: int = 0


class JobTable(Protocol):
    """Rows with conditional writes. Every write is durable before the call returns and visible to every later read
    by key; `due`, `listed` and `count` may lag behind by a moment, so what they tell is a hint where to look.

    A document may have 300 kB. Any call may raise StoreBusy: then nobody knows whether it took place.
    """

    def insert(self, row: Row) -> Row:
        """Write a row under a new key. Raises RowExists."""

    def replace(self, row: Row) -> Row:
        """Write the row if the stored one still has `row.revision`. Raises RowChanged, also when there is none."""

    def read(self, key: str) -> Row | None: ...

    def read_many(self, keys: Iterable[str]) -> dict[str, Row]:
        """The rows that exist among `keys`."""

    def delete(self, row: Row) -> None:
        """Remove the row if it still has `row.revision`. Raises RowChanged; a row already gone is fine."""

    def due(self, *, now: int, limit: int) -> list[Row]:
        """Rows whose `due_ms` has come, the longest due first."""

    def listed(self, group: str, *, limit: int, since_ms: int = 0) -> list[Row]:
        """Rows of a group whose rank is at least `since_ms`, lowest rank first."""

    def count(self, group: str, *, before_ms: int | None = None) -> int:
        """How many rows a group has, with a rank below `before_ms` if given."""

    def add(self, counter: str, amount: int, *, limit: int | None, expires_ms: int, now: int) -> int | None:
        """Add to a counter and tell the new sum; None, and nothing added, when that would pass `limit`.

        The first add after a counter's expiry starts from 0 with the new expiry. Atomic among all processes.
        """

    def total(self, counter: str, *, now: int) -> int:
        """The sum so far, by a read alone; 0 for a counter that never began or has expired."""

    def close(self) -> None: ...


_SCHEMA = """
CREATE TABLE IF NOT EXISTS rows (
    key TEXT PRIMARY KEY, doc TEXT NOT NULL, revision INTEGER NOT NULL,
    due_ms INTEGER, grp TEXT, rank_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rows_due ON rows (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS rows_grp ON rows (grp, rank_ms) WHERE grp IS NOT NULL;
CREATE TABLE IF NOT EXISTS counters (
    counter TEXT PRIMARY KEY, total INTEGER NOT NULL, expires_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = "key, doc, revision, due_ms, grp, rank_ms"
_AT_ONCE = 500  # keys in one SELECT; SQLite takes many more, DynamoDB's BatchGetItem 100


class SqliteTable:
    """JobTable in a SQLite file: several processes, durable across kill -9 and power loss."""

    def __init__(self, database: Database | str, *, wait_s: float = WAIT_S) -> None:
        self._db = database if isinstance(database, Database) else Database(database, _SCHEMA, wait_s=wait_s)

    def insert(self, row: Row) -> Row:
        with self._db.writing() as db:
            if db.execute("SELECT 1 FROM rows WHERE key = ?", (row.key,)).fetchone():
                raise RowExists(row.key)
            db.execute(
                "INSERT INTO rows (key, doc, revision, due_ms, grp, rank_ms) VALUES (?, ?, 1, ?, ?, ?)",
                (row.key, row.doc, row.due_ms, row.group, row.rank_ms),
            )
        return replace(row, revision=1)

    def replace(self, row: Row) -> Row:
        with self._db.writing() as db:
            done = db.execute(
                "UPDATE rows SET doc = ?, revision = revision + 1, due_ms = ?, grp = ?, rank_ms = ?"
                " WHERE key = ? AND revision = ?",
                (row.doc, row.due_ms, row.group, row.rank_ms, row.key, row.revision),
            )
            if done.rowcount != 1:
                raise RowChanged(row.key)
        return replace(row, revision=row.revision + 1)

    def read(self, key: str) -> Row | None:
        return self.read_many([key]).get(key)

    def read_many(self, keys: Iterable[str]) -> dict[str, Row]:
        wanted = list(keys)
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            with self._db.reading() as db:
                rows = db.execute(f"SELECT {_COLUMNS} FROM rows WHERE key IN ({marks})", some).fetchall()  # noqa: S608 — only question marks are inserted
            found |= {row[0]: _row(row) for row in rows}
        return found

    def delete(self, row: Row) -> None:
        with self._db.writing() as db:
            done = db.execute("DELETE FROM rows WHERE key = ? AND revision = ?", (row.key, row.revision))
            if done.rowcount != 1 and db.execute("SELECT 1 FROM rows WHERE key = ?", (row.key,)).fetchone():
                raise RowChanged(row.key)

    def due(self, *, now: int, limit: int) -> list[Row]:
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT key, doc, revision, due_ms, grp, rank_ms FROM rows WHERE due_ms <= ? ORDER BY due_ms LIMIT ?",
                (now, limit),
            ).fetchall()
        return [_row(row) for row in rows]

    def listed(self, group: str, *, limit: int, since_ms: int = 0) -> list[Row]:
        with self._db.reading() as db:
            rows = db.execute(
                "SELECT key, doc, revision, due_ms, grp, rank_ms FROM rows"
                " WHERE grp = ? AND rank_ms >= ? ORDER BY rank_ms, key LIMIT ?",
                (group, since_ms, limit),
            ).fetchall()
        return [_row(row) for row in rows]

    def count(self, group: str, *, before_ms: int | None = None) -> int:
        with self._db.reading() as db:
            total: int = db.execute(
                "SELECT count(*) FROM rows WHERE grp = ? AND (?2 IS NULL OR rank_ms < ?2)", (group, before_ms)
            ).fetchone()[0]
        return total

    def add(self, counter: str, amount: int, *, limit: int | None, expires_ms: int, now: int) -> int | None:
        with self._db.writing() as db:
            row = db.execute("SELECT total, expires_ms FROM counters WHERE counter = ?", (counter,)).fetchone()
            running = row is not None and row[1] > now
            total: int = (row[0] if running else 0) + amount
            if limit is not None and total > limit:
                return None
            db.execute(
                "INSERT INTO counters (counter, total, expires_ms) VALUES (?, ?, ?) ON CONFLICT (counter)"
                " DO UPDATE SET total = excluded.total, expires_ms = excluded.expires_ms",
                (counter, total, row[1] if running else expires_ms),
            )
            db.execute("DELETE FROM counters WHERE expires_ms <= ? AND counter != ?", (now, counter))
        return total

    def total(self, counter: str, *, now: int) -> int:
        with self._db.reading() as db:
            asked = "SELECT total FROM counters WHERE counter = ? AND expires_ms > ?"
            row = db.execute(asked, (counter, now)).fetchone()
        return int(row[0]) if row else 0

    def close(self) -> None:
        self._db.close()


DUE = "due"  # the index of rows that wait for the sweeper, all in one list; a row without `due_ms` is not in it
LISTED = "listed"  # the index of groups, by rank


class DynamoTable:
    """JobTable in DynamoDB. A replaced row keeps the attributes that a newer release added.

    The two indexes hold keys alone: a write that changes only the document costs nothing there.
    """

    def __init__(self, name: str, clients: Clients) -> None:
        self._items = Items(name, clients)
        self._counters = Counters(self._items)
        self.client = self._items.client

    def insert(self, row: Row) -> Row:
        return self._write(row, revision=1, condition="attribute_not_exists(row_key)", values={}, fact=RowExists)

    def replace(self, row: Row) -> Row:
        read = {":read": number(row.revision)}
        return self._write(row, revision=row.revision + 1, condition="revision = :read", values=read, fact=RowChanged)

    def read(self, key: str) -> Row | None:
        item = self._items.one(key)
        return _row_of(item) if item else None

    def read_many(self, keys: Iterable[str]) -> dict[str, Row]:
        return {row.key: row for row in map(_row_of, self._items.many(keys))}

    def delete(self, row: Row) -> None:
        condition = "attribute_not_exists(row_key) OR revision = :read"
        if not self._items.remove(row.key, condition=condition, values={":read": number(row.revision)}):
            raise RowChanged(row.key)

    def due(self, *, now: int, limit: int) -> list[Row]:
        values = {":list": text(DUE), ":now": number(now)}
        found = self._items.listed(DUE, "due_list = :list AND due_ms <= :now", values, limit=limit)
        due = [(row.due_ms, row) for row in map(_row_of, found) if row.due_ms is not None and row.due_ms <= now]
        return [row for _, row in sorted(due, key=lambda each: each[0])]

    def listed(self, group: str, *, limit: int, since_ms: int = 0) -> list[Row]:
        values = {":group": text(group), ":since": number(since_ms)}
        found = self._items.listed(LISTED, "listed_in = :group AND rank_ms >= :since", values, limit=limit)
        rows = [row for row in map(_row_of, found) if row.group == group and row.rank_ms >= since_ms]
        return sorted(rows, key=lambda row: (row.rank_ms, row.key))

    def count(self, group: str, *, before_ms: int | None = None) -> int:
        if before_ms is None:
            return self._items.count(LISTED, "listed_in = :group", {":group": text(group)})
        values = {":group": text(group), ":before": number(before_ms)}
        return self._items.count(LISTED, "listed_in = :group AND rank_ms < :before", values)

    def add(self, counter: str, amount: int, *, limit: int | None, expires_ms: int, now: int) -> int | None:
        return self._counters.add(counter, amount, limit=limit, expires_ms=expires_ms, now=now)

    def total(self, counter: str, *, now: int) -> int:
        return self._counters.total(counter, now=now)

    def close(self) -> None:
        """Connections end with the process."""

    def _write(self, row: Row, *, revision: int, condition: str, values: Values, fact: type[Exception]) -> Row:
        values = values | {":doc": text(row.doc), ":next": number(revision), ":rank": number(row.rank_ms)}
        given = ["write_id = :write", "doc = :doc", "revision = :next", "rank_ms = :rank"]
        gone = []
        if row.due_ms is None:
            gone += ["due_list", "due_ms"]
        else:
            given += ["due_list = :list", "due_ms = :due"]
            values |= {":list": text(DUE), ":due": number(row.due_ms)}
        if row.group is None:
            gone += ["listed_in"]
        else:
            given += ["listed_in = :group"]
            values |= {":group": text(row.group)}
        change = "SET " + ", ".join(given) + (" REMOVE " + ", ".join(gone) if gone else "")
        done, _ = self._items.write(row.key, change, condition=condition, values=values)
        if not done:
            raise fact(row.key)
        return replace(row, revision=revision)


def _row_of(item: Item) -> Row:
    return Row(
        key=item["row_key"]["S"],
        doc=item["doc"]["S"],
        revision=int(item["revision"]["N"]),
        due_ms=int(item["due_ms"]["N"]) if "due_ms" in item else None,
        group=item["listed_in"]["S"] if "listed_in" in item else None,
        rank_ms=int(item["rank_ms"]["N"]),
    )


def _row(row: tuple[str, str, int, int | None, str | None, int]) -> Row:
    key, doc, revision, due_ms, group, rank_ms = row
    return Row(key=key, doc=doc, revision=revision, due_ms=due_ms, group=group, rank_ms=rank_ms)
