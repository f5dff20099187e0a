"""One SQLite file among many processes: locks stop nobody else, failures leave it usable."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jobs.errors import StoreBusy
from jobs.sqlite import Database

SCHEMA = "CREATE TABLE IF NOT EXISTS things (name TEXT PRIMARY KEY)"


def names(database: Database) -> list[str]:
    with database.reading() as db:
        return [row[0] for row in db.execute("SELECT name FROM things ORDER BY name")]


def add(database: Database, name: str) -> None:
    with database.writing() as db:
        db.execute("INSERT INTO things VALUES (?)", (name,))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "things.db"


@pytest.fixture
def database(path: Path):
    database = Database(path, SCHEMA)
    add(database, "first")
    yield database
    database.close()


@pytest.fixture
def lock(path: Path, database: Database):
    """Another connection, which holds the write lock until it is told to `rollback`."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


def test_a_writer_waits_for_the_lock(database: Database, lock: sqlite3.Connection) -> None:
    threading.Timer(0.2, lock.rollback).start()
    add(database, "second")
    assert names(database) == ["first", "second"]


def test_a_lock_held_too_long_is_said(path: Path, lock: sqlite3.Connection) -> None:
    impatient = Database(path, SCHEMA, wait_s=0.1)
    with pytest.raises(StoreBusy, match=r"stayed locked"):
        add(impatient, "second")
    lock.rollback()
    add(impatient, "second")
    assert names(impatient) == ["first", "second"]
    impatient.close()


def test_readers_go_on_while_a_writer_of_the_same_process_waits(database: Database, lock: sqlite3.Connection) -> None:
    names(database)
    writer = threading.Thread(target=add, args=(database, "second"))
    writer.start()
    answered = threading.Event()

    def read() -> None:
        names(database)
        answered.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert answered.wait(15)
    assert writer.is_alive()
    lock.rollback()
    writer.join()
    reader.join()


def test_what_raises_is_rolled_back_and_the_next_write_works(database: Database) -> None:
    def add_both() -> None:
        with database.writing() as db:
            db.execute("INSERT INTO things VALUES ('second')")
            db.execute("INSERT INTO things VALUES ('first')")

    with pytest.raises(sqlite3.IntegrityError):
        add_both()
    assert names(database) == ["first"]
    add(database, "second")
    assert names(database) == ["first", "second"]


def test_a_full_disk_is_said_and_does_not_outlast_itself(database: Database) -> None:
    with database.writing() as db:
        most = db.execute("PRAGMA page_count").fetchone()[0] + 2
        db.execute(f"PRAGMA max_page_count = {most}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        add(database, "x" * 100_000)
    with database.writing() as db:
        db.execute("PRAGMA max_page_count = 100000")
    add(database, "second")
    assert names(database) == ["first", "second"]


def test_a_child_of_a_fork_opens_its_own_connection(database: Database) -> None:
    script = f"""
import os, sys
from jobs.sqlite import Database
database = Database({str(database._path)!r}, {SCHEMA!r})
with database.reading() as db: before = db
child = os.fork()
with database.reading() as db: same = db is before
if not child: os._exit(1 if same else 0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), same)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "0 True\n"


def test_a_lock_held_by_another_process_stops_no_other_greenlet(path: Path, database: Database) -> None:
    script = f"""
from gevent import monkey; monkey.patch_all()
import gevent, subprocess, sys
from jobs.sqlite import Database
database = Database({str(path)!r}, {SCHEMA!r})
with database.reading() as db: db.execute("SELECT * FROM things").fetchall()
holder = subprocess.Popen([sys.executable, "-c", '''
import sqlite3, sys
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
'''], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
holder.stdout.readline()
def write():
    with database.writing() as db: db.execute("INSERT INTO things VALUES ('second')")
writing = [gevent.spawn(write) for _ in range(1)]
for beat in range(100): gevent.sleep(0.005)  # stopped by the lock, they would outlast the writer's patience
with database.reading() as db: read = db.execute("SELECT count(*) FROM things").fetchone()[0]
assert not writing[0].dead
holder.communicate("done")
writing[0].get(timeout=20)
print(read)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "1\n"
    assert names(database) == ["first", "second"]


def test_threads_share_one_database(database: Database) -> None:
    threads = [
        threading.Thread(target=lambda number=number: [add(database, f"{number}-{each}") for each in range(5)])
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 21


def test_a_database_in_memory_is_one_for_readers_and_writers() -> None:
    database = Database(":memory:", SCHEMA)
    add(database, "first")
    assert names(database) == ["first"]
    database.close()
    assert not Path(":memory:").exists()
