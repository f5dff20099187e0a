"""What a job table promises."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import pytest

from jobs.clock import now_ms
from jobs.errors import RowChanged, RowExists
from jobs.table import JobTable, Row

NOW = 1_800_000_000_000


def test_a_row_is_read_as_it_was_written(table: JobTable) -> None:
    row = table.insert(Row(key="job/a", doc='{"ä": 1}', due_ms=5, group="queued", rank_ms=7))
    assert row == Row(key="job/a", doc='{"ä": 1}', revision=1, due_ms=5, group="queued", rank_ms=7)
    assert table.read("job/a") == row
    assert table.read("job/b") is None


def test_a_document_may_be_large(table: JobTable) -> None:
    row = table.insert(Row(key="a", doc="ä" * 150_000))
    assert table.read_many(["a"]) == {"a": row}


def test_a_key_is_inserted_once(table: JobTable) -> None:
    first = table.insert(Row(key="a", doc="1"))
    with pytest.raises(RowExists):
        table.insert(Row(key="a", doc="2"))
    assert table.read("a") == first


def test_a_row_is_replaced_by_who_read_its_newest_revision(table: JobTable) -> None:
    first = table.insert(Row(key="a", doc="1", due_ms=1, group="g"))
    second = table.replace(replace(first, doc="2", due_ms=None, group=None))
    assert second.revision == 2
    assert table.read("a") == second
    with pytest.raises(RowChanged):
        table.replace(replace(first, doc="3"))
    with pytest.raises(RowChanged):
        table.replace(Row(key="b", doc="1", revision=1))
    assert table.read("a") == second


def test_a_row_is_deleted_by_who_read_its_newest_revision(table: JobTable) -> None:
    first = table.insert(Row(key="a", doc="1"))
    second = table.replace(first)
    with pytest.raises(RowChanged):
        table.delete(first)
    table.delete(second)
    table.delete(second)
    assert table.read("a") is None
    assert table.insert(Row(key="a", doc="again")).revision == 1


def test_many_rows_are_read_at_once(table: JobTable) -> None:
    for number in range(30):
        table.insert(Row(key=f"k{number}", doc=str(number)))
    found = table.read_many(f"k{number}" for number in range(1300))
    assert {key: row.doc for key, row in found.items()} == {f"k{number}": str(number) for number in range(30)}
    assert table.read_many([]) == {}


def test_due_rows_come_the_longest_due_first(table: JobTable) -> None:
    for key, due_ms in (("b", 20), ("a", 30), ("c", 10), ("later", 41), ("never", None)):
        table.insert(Row(key=key, doc="", due_ms=due_ms))
    assert [row.key for row in table.due(now=40, limit=10)] == ["c", "b", "a"]
    assert [row.key for row in table.due(now=40, limit=2)] == ["c", "b"]
    assert table.due(now=9, limit=10) == []
    assert [row.key for row in table.due(now=10, limit=10)] == ["c"]


def test_a_group_is_listed_and_counted_in_order(table: JobTable) -> None:
    for key, rank_ms in (("b", 20), ("a", 30), ("c", 10)):
        table.insert(Row(key=key, doc="", group="queued", rank_ms=rank_ms))
    table.insert(Row(key="other", doc="", group="running", rank_ms=1))
    table.insert(Row(key="none", doc="", rank_ms=1))
    assert [row.key for row in table.listed("queued", limit=10)] == ["c", "b", "a"]
    assert [row.key for row in table.listed("queued", limit=2)] == ["c", "b"]
    assert [row.key for row in table.listed("queued", limit=10, since_ms=20)] == ["b", "a"]
    assert [table.count("queued"), table.count("queued", before_ms=20), table.count("nobody")] == [3, 1, 0]


def test_a_counter_adds_up_to_its_limit(table: JobTable) -> None:
    def add(amount: int, limit: int | None = 5) -> int | None:
        return table.add("uploads", amount, limit=limit, expires_ms=NOW + 1000, now=NOW)

    assert [add(2), add(3), add(1), add(0), add(1, None), add(-2, None), add(1)] == [2, 5, None, 5, 6, 4, 5]
    assert table.add("others", 1, limit=1, expires_ms=NOW + 1000, now=NOW) == 1


def test_a_counter_starts_anew_after_its_expiry_which_later_adds_do_not_move(table: JobTable) -> None:
    assert table.add("uploads", 5, limit=5, expires_ms=NOW + 1000, now=NOW) == 5
    assert table.add("uploads", 1, limit=5, expires_ms=NOW + 9000, now=NOW + 999) is None
    assert table.add("uploads", 1, limit=5, expires_ms=NOW + 9000, now=NOW + 1000) == 1
    assert table.add("uploads", 1, limit=5, expires_ms=NOW + 20_000, now=NOW + 8999) == 2


def test_many_who_add_at_once_reach_the_limit_and_never_pass_it(opened, process) -> None:
    script = (
        "print('here', flush=True); sys.stdin.readline()\n"
        f"given = [ports.table.add('c', 1, limit=50, expires_ms={NOW + 1000}, now={NOW}) for _ in range(25)]\n"
        "print(sum(each is not None for each in given))"
    )
    others = [process(script) for _ in range(2)]
    given: list[int | None] = []

    def add() -> None:
        table = opened().table
        given.extend(table.add("c", 1, limit=50, expires_ms=NOW + 1000, now=NOW) for _ in range(25))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for other in others:
        assert other.stdout.readline() == "here\n"
        other.stdin.write("go\n")
        other.stdin.flush()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(each is not None for each in given) + sum(int(other.communicate(timeout=30)[0]) for other in others)
    assert total == 50


def test_no_update_of_many_processes_is_lost(table: JobTable, process) -> None:
    table.insert(Row(key="a", doc="0"))
    script = (
        "from dataclasses import replace\nfrom jobs.errors import RowChanged\n"
        "print('here', flush=True); sys.stdin.readline()\n"
        "done = 0\n"
        "while done < 15:\n"
        "    row = ports.table.read('a')\n"
        "    try: ports.table.replace(replace(row, doc=str(int(row.doc) + 1)))\n"
        "    except RowChanged: continue\n"
        "    done += 1\n"
    )
    others = [process(script) for _ in range(3)]
    for other in others:
        assert other.stdout.readline() == "here\n"
        other.stdin.write("go\n")
        other.stdin.flush()
    for other in others:
        other.communicate(timeout=30)
    row = table.read("a")
    assert row is not None
    assert (row.doc, row.revision) == ("45", 46)


def test_a_new_key_of_many_threads_is_inserted_by_one(opened) -> None:
    won: list[int] = []

    def insert(number: int) -> None:
        try:
            opened().table.insert(Row(key="a", doc=str(number)))
        except RowExists:
            return
        won.append(number)

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    row = opened().table.read("a")
    assert row is not None
    assert row.doc == str(won[0])


def test_a_write_is_seen_by_another_process_at_once(table: JobTable, process) -> None:
    other = process("for key in sys.stdin: print(ports.table.read(key.strip()) is not None, flush=True)")
    for number in range(5):
        table.insert(Row(key=f"k{number}", doc=""))
        other.stdin.write(f"k{number}\n")
        other.stdin.flush()
        assert other.stdout.readline() == "True\n"


def test_every_write_that_was_answered_survives_a_kill(table: JobTable, process) -> None:
    writer = process(
        "from jobs.table import Row\n"
        "row = ports.table.insert(Row(key='counting', doc=''))\n"
        "for number in range(100_000):\n"
        "    ports.table.insert(Row(key=f'k{number}', doc='x' * 2000))\n"
        "    row = ports.table.replace(row)\n"
        f"    total = ports.table.add('c', 1, limit=None, expires_ms={now_ms() + 10_000_000}, now={now_ms()})\n"
        "    print(number, row.revision, total, flush=True)"
    )
    lines = [writer.stdout.readline() for _ in range(15)]
    writer.send_signal(signal.SIGKILL)
    lines += writer.stdout.read().splitlines()
    number, revision, total = map(int, lines[-1].split())
    assert len(table.read_many(f"k{each}" for each in range(number + 1))) == number + 1
    row = table.read("counting")
    assert row is not None
    assert row.revision >= revision
    found = table.add("c", 0, limit=None, expires_ms=now_ms() + 10_000_000, now=now_ms())
    assert found is not None
    assert found >= total


def test_a_counter_is_read_without_being_written(table: JobTable) -> None:
    assert table.total("dollars/1", now=NOW) == 0
    table.add("dollars/1", 7, limit=None, expires_ms=NOW + 100, now=NOW)
    table.add("dollars/1", -2, limit=None, expires_ms=NOW + 100, now=NOW)
    assert table.total("dollars/1", now=NOW) == 5
    assert table.total("dollars/1", now=NOW + 100) == 0
