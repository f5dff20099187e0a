"""Reads the worker's hot files into memory, many at once: `python3 read_ahead.py LIST [--root DIR]`, at boot.

A volume made from a snapshot fetches each block at its first reading, one after the other where one process asks; here
many ask at once, beside the worker's start. Stands alone (any Python from 3.9 on, nothing of the project), so that a
host can run it on the files of an image: `--root` is where that lies. LIST is what `python -m worker.hot_files` wrote.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterable

CHUNK = 1 << 20
THREADS = 32


def read_ahead(lines: Iterable[str], root: str = "", threads: int = THREADS) -> tuple[int, list[str]]:
    """Read each piece, in order, so many at a time; (bytes read, paths that are not there)."""
    pieces = iter([line.rstrip("\n").split(" ", 2) for line in lines if line.strip()])
    turn = threading.Lock()
    counts: list[int] = []
    missing: set[str] = set()

    def work() -> None:
        buffer = memoryview(bytearray(CHUNK))
        while True:
            with turn:
                piece = next(pieces, None)
            if piece is None:
                return
            try:
                counts.append(read(root + piece[2], int(piece[0]), int(piece[1]), buffer))
            except OSError:
                missing.add(piece[2])

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    return sum(counts), sorted(missing)


def read(path: str, offset: int, length: int, buffer: memoryview) -> int:
    """Have the kernel keep a piece of a file; the bytes that were there."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    done = 0
    try:
        while done < length:
            count = os.preadv(file, [buffer[: length - done]], offset + done)
            if count <= 0:
                break
            done += count
    finally:
        os.close(file)
    return done


def main() -> int:
    """Read, and say how much in what time; missing files are named and no failure: the worker reads what it needs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", help="what `python -m worker.hot_files --list` wrote")
    parser.add_argument("--root", default="", help="folder that holds the image's files")
    parser.add_argument("--threads", type=int, default=THREADS)
    chosen = parser.parse_args()
    began = time.monotonic()
    with open(chosen.list, encoding="utf-8") as lines:  # noqa: PTH123 — pathlib would be one more thing to read
        count, missing = read_ahead(lines, chosen.root.rstrip("/"), chosen.threads)
    print(f"read_ahead: {count / 1e6:.0f} MB in {time.monotonic() - began:.2f} s", flush=True)
    if missing:
        print(f"read_ahead: {len(missing)} files of the list are not here, e.g. {missing[0]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
