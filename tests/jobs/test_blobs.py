"""What a blob store promises."""

from __future__ import annotations

import hashlib
import io
import signal
import threading
import tracemalloc

import pytest

from jobs.blobs import Blobs
from jobs.errors import BlobExists, BlobNotFound
from jobs.stored import Stored


def put(blobs: Blobs, key: str, content: bytes, **options: bool) -> Stored:
    return blobs.put(key, io.BytesIO(content), **options)


def content(blobs: Blobs, key: str) -> bytes:
    with blobs.open(key) as file:
        return file.read()


def exists(blobs: Blobs, key: str) -> bool:
    try:
        blobs.open(key).close()
    except BlobNotFound:
        return False
    return True


class Zeros(io.RawIOBase):
    """So many zero bytes, without holding them."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        taken = min(self.left, size)
        self.left -= taken
        return bytes(taken)


class Breaks(io.RawIOBase):
    """A source that fails after its first piece."""

    pieces = 0

    def read(self, size: int = -1) -> bytes:
        self.pieces += 1
        if self.pieces > 1:
            raise ConnectionResetError("the client went away")
        return b"x" * 1000


def test_what_is_put_is_read_with_its_length_and_digest(blobs: Blobs) -> None:
    stored = put(blobs, "in/a", b"a dark photo")
    assert stored == Stored(size=12, sha256=hashlib.sha256(b"a dark photo").hexdigest())
    assert content(blobs, "in/a") == b"a dark photo"


def test_a_source_is_stored_from_where_it_stands(blobs: Blobs) -> None:
    source = io.BytesIO(b"headphoto")
    source.seek(4)
    assert blobs.put("in/a", source).size == 5
    assert content(blobs, "in/a") == b"photo"


def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    assert put(blobs, "in/a", b"").size == 0
    assert content(blobs, "in/a") == b""


def test_a_blob_can_be_read_from_the_middle(blobs: Blobs) -> None:
    put(blobs, "out/a/t", b"0123456789")
    with blobs.open("out/a/t") as file:
        file.seek(4)
        assert file.read(3) == b"456"
        assert file.seek(0, io.SEEK_END) == 10


def test_memory_does_not_grow_with_the_photo(blobs: Blobs) -> None:
    put(blobs, "in/first", b"whatever is loaded once")
    blobs.copy("in/first", "in/second")
    tracemalloc.start()
    try:
        assert blobs.put("in/a", Zeros(24_000_000)).size == 24_000_000  # type: ignore[arg-type]
        blobs.copy("in/a", "in/b")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000


def test_a_put_replaces_and_readers_of_the_old_keep_it(blobs: Blobs) -> None:
    put(blobs, "in/a", b"old")
    with blobs.open("in/a") as old:
        put(blobs, "in/a", b"new!")
        assert old.read() == b"old"
    assert content(blobs, "in/a") == b"new!"


def test_a_reader_sees_all_of_one_blob_while_others_replace_it(blobs: Blobs) -> None:
    versions = {bytes([number]) * 300_000 for number in range(4)}
    put(blobs, "in/a", next(iter(versions)))
    done = threading.Event()

    def write() -> None:
        for _ in range(4):
            for version in versions:
                put(blobs, "in/a", version)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads == 0:
        assert content(blobs, "in/a") in versions
        reads += 1
    writer.join()


def test_a_source_that_breaks_leaves_what_was_there(blobs: Blobs) -> None:
    with pytest.raises(ConnectionResetError):
        blobs.put("in/a", Breaks())  # type: ignore[arg-type]
    assert not exists(blobs, "in/a")
    put(blobs, "in/a", b"whole")
    with pytest.raises(ConnectionResetError):
        blobs.put("in/a", Breaks())  # type: ignore[arg-type]
    assert content(blobs, "in/a") == b"whole"
    assert list(blobs.keys("in/")) == ["in/a"]


def test_a_process_killed_while_it_puts_leaves_no_blob(blobs: Blobs, process) -> None:
    writer = process(
        "class Slow:\n"
        "    def read(self, size=-1):\n"
        "        print('reading', flush=True)\n"
        "        sys.stdin.readline()\n"
        "        return b'x' * 100\n"
        "ports.blobs.put('in/a', Slow())"
    )
    assert writer.stdout.readline() == "reading\n"
    writer.stdin.write("one piece\n")
    writer.stdin.flush()
    assert writer.stdout.readline() == "reading\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert not exists(blobs, "in/a")
    assert list(blobs.keys("in/")) == []


def test_what_was_put_survives_a_kill(blobs: Blobs, process) -> None:
    writer = process(
        "import io\n"
        "for number in range(10_000):\n"
        "    ports.blobs.put(f'in/{number}', io.BytesIO(b'%d' % number * 1000))\n"
        "    print(number, flush=True)"
    )
    last = [int(writer.stdout.readline()) for _ in range(10)][-1]
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    for number in range(max([last, *map(int, rest)]) + 1):
        assert content(blobs, f"in/{number}") == b"%d" % number * 1000


def test_put_if_absent_keeps_the_first_and_takes_the_same_again(blobs: Blobs) -> None:
    put(blobs, "out/a/t", b"first", if_absent=True)
    assert put(blobs, "out/a/t", b"first", if_absent=True).size == 5
    with pytest.raises(BlobExists):
        put(blobs, "out/a/t", b"other", if_absent=True)
    assert content(blobs, "out/a/t") == b"first"


def test_of_many_who_put_if_absent_at_once_one_wins(blobs: Blobs, opened) -> None:
    others = [blobs, *(opened().blobs for _ in range(7))]
    go = threading.Barrier(8)
    won: list[int] = []

    def race(number: int) -> None:
        go.wait()
        try:
            put(others[number], "out/a/t", b"%d" % number * 50_000, if_absent=True)
        except BlobExists:
            return
        won.append(number)

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert content(blobs, "out/a/t") == b"%d" % won[0] * 50_000


def test_a_copy_is_a_blob_of_its_own(blobs: Blobs) -> None:
    put(blobs, "in/a", b"photo")
    blobs.copy("in/a", "in/b")
    blobs.delete("in/a")
    assert content(blobs, "in/b") == b"photo"
    with pytest.raises(BlobNotFound):
        blobs.copy("in/a", "in/c")
    assert not exists(blobs, "in/c")


def test_deleting_twice_is_fine(blobs: Blobs) -> None:
    put(blobs, "in/a", b"photo")
    blobs.delete("in/a")
    blobs.delete("in/a")
    assert not exists(blobs, "in/a")


def test_keys_lists_what_lies_below_a_prefix(blobs: Blobs) -> None:
    for key in ("in/a", "out/a/t1", "out/a/t2", "out/ab/t3"):
        put(blobs, key, b"x")
    assert sorted(blobs.keys("out/a/")) == ["out/a/t1", "out/a/t2"]
    assert sorted(blobs.keys("out/")) == ["out/a/t1", "out/a/t2", "out/ab/t3"]
    assert list(blobs.keys("out/b/")) == []
    for key in list(blobs.keys("out/a/")):
        blobs.delete(key)
    assert sorted(blobs.keys("out/")) == ["out/ab/t3"]


@pytest.mark.parametrize(
    "key",
    ["", "/", ".", "..", "../a", "in/../../a", "/etc/passwd", "in//a", "in/", "/in/a", "in/a\n", "in/a\0", "in\\a",
     "in/.hidden", "in/ä", "in/%2e%2e", ".arriving/a"],
)  # fmt: skip
def test_a_key_that_could_lead_elsewhere_names_nothing(blobs: Blobs, key: str) -> None:
    with pytest.raises(BlobNotFound):
        blobs.open(key)
    with pytest.raises(BlobNotFound):
        put(blobs, key, b"x")
    with pytest.raises(BlobNotFound):
        put(blobs, key, b"x", if_absent=True)
    with pytest.raises(BlobNotFound):
        blobs.delete(key)
    put(blobs, "in/a", b"x")
    with pytest.raises(BlobNotFound):
        blobs.copy("in/a", key)
    with pytest.raises(BlobNotFound):
        blobs.copy(key, "in/b")


def test_a_folder_is_no_blob(blobs: Blobs) -> None:
    put(blobs, "out/a/t", b"x")
    assert not exists(blobs, "out/a")
    assert not exists(blobs, "out")


def test_a_look_tells_length_and_first_bytes_and_pins_them(blobs: Blobs) -> None:
    put(blobs, "in/a", b"a dark photo")
    seen = blobs.look("in/a", first=6)
    assert (seen.size, seen.head) == (12, b"a dark")
    with blobs.open("in/a", version=seen.version) as file:
        assert file.read() == b"a dark photo"


def test_a_look_at_a_short_blob_tells_all_of_it(blobs: Blobs) -> None:
    put(blobs, "in/a", b"ab")
    put(blobs, "in/b", b"")
    assert (blobs.look("in/a", first=64).size, blobs.look("in/a", first=64).head) == (2, b"ab")
    assert (blobs.look("in/b", first=64).size, blobs.look("in/b", first=64).head) == (0, b"")


def test_bytes_that_took_anothers_place_are_not_its_version(blobs: Blobs) -> None:
    put(blobs, "in/a", b"a dark photo")
    seen = blobs.look("in/a", first=6)
    put(blobs, "in/a", b"another photo")
    with pytest.raises(BlobNotFound):
        blobs.open("in/a", version=seen.version).read()


def test_a_look_at_nothing_is_a_fact(blobs: Blobs) -> None:
    with pytest.raises(BlobNotFound):
        blobs.look("in/a", first=6)
