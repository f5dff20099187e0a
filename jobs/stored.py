"""What was written to a blob store: its length and digest, and whether a file holds just that."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jobs.span import CHUNK, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was written: length in bytes and sha256 in hex."""

    size: int
    sha256: str


def measured(source: Span) -> Stored:
    """What a source holds, read to its end."""
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
        time.sleep(0)  # other greenlets' turn: nothing here waits for a socket
    return Stored(size=size, sha256=digest.hexdigest())


def copied(source: BinaryIO, target: BinaryIO) -> Stored:
    """What a source held that was read to its end and written to the target."""
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
    return Stored(size=size, sha256=digest.hexdigest())


def holds(path: Path, stored: Stored) -> bool | None:
    """Whether the file has these bytes; None when there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except FileNotFoundError:
        return None
