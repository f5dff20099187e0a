"""A photo on its way in: a nameless file that vanishes with its descriptor, hashed and counted as it arrives."""

from __future__ import annotations

import errno
import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from jobs.errors import Refused
from photos.refusals import REFUSALS
from photos.sniff import refusal, sniff

HEAD = 64  # bytes that tell what kind of file it is
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Spool:
    """The file and what is known of its bytes so far. Nothing is left of it once it is closed, however that happens."""

    def __init__(self, folder: Path, *, limit: int) -> None:
        with disk_full_refused():
            folder.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what was written can be read by another process through the same descriptor.
            self.file = cast("BinaryIO", tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115 — closed in close()
        self.size = 0
        self._limit = limit
        self._head = b""
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Raises Refused (photo_too_large, unsupported_format, disk_full) as soon as the bytes so far say so."""
        self.size += len(data)
        if self.size > self._limit:
            raise Refused("photo_too_large", f"It may have at most {self._limit:,} bytes.")
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
            if len(self._head) == HEAD:
                self._sniffed()
        self._digest.update(data)
        with disk_full_refused():
            rest = memoryview(data)
            while rest:
                rest = rest[self.file.write(rest) :]

    def finish(self) -> None:
        """All bytes are here: back to the first. Raises Refused (image_missing, unsupported_format)."""
        if self.size == 0:
            raise Refused("image_missing", "The file is empty.")
        if self.size < HEAD:
            self._sniffed()
        self.file.seek(0)

    def close(self) -> None:
        self.file.close()

    def _sniffed(self) -> None:
        if sniff(self._head) is None:
            code, sentence = REFUSALS[refusal(self._head)]
            raise Refused(code, sentence)


@contextmanager
def disk_full_refused() -> Iterator[None]:
    """Turn a full disk, said by the system or by SQLite, into Refused (disk_full)."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Refused("disk_full", retry_after_s=60) from error
        raise
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
            raise Refused("disk_full", retry_after_s=60) from error
        raise
