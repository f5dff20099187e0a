"""Bytes by key: photos as they came and pictures as they go; and the blob store on a laptop, a folder."""

from __future__ import annotations

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from jobs.errors import BlobExists, BlobNotFound, StoreBusy


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What was written: length in bytes and sha256 in hex."""

    size: int
    sha256: str


class Blobs(Protocol):
    """Bytes by key, whole or not at all: a reader sees all of a blob or none of it.

    Keys are `in/<id>` for photos and `out/<id>/<token>` for results.
    """

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        """Store what `source` holds from where it stands; memory does not grow with it. Durable once this returns.

        With `if_absent` a blob already there stays: the same bytes count as success (a retried write whose answer was
        lost), other bytes raise BlobExists.
        """

    def open(self, key: str) -> BinaryIO:
        """The blob for reading and seeking. Raises BlobNotFound."""

    def copy(self, source: str, target: str) -> None:
        """Raises BlobNotFound."""

    def delete(self, key: str) -> None:
        """A blob already gone is fine."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix that ends in `/`."""

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:
        """A URL that reads this blob for so long without a password; None where the API serves the bytes itself."""


_KEY = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_CHUNK = 1 << 20
FOLDER_TRIES = 20
ABANDONED_NS = 24 * 3600 * 10**9


class FolderBlobs:
    """Blobs in a folder: a file a key, written beside and renamed into place."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._arriving = self._folder / ".arriving"
        for left in self._arriving.glob("*"):  # by a process that was killed while it wrote
            with suppress(FileNotFoundError):  # or somebody else tidies up
                if time.time_ns() - left.stat().st_mtime_ns > ABANDONED_NS:
                    left.unlink()

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        target = self._path(key)
        self._arriving.mkdir(parents=True, exist_ok=True)
        arriving = self._arriving / uuid.uuid4().hex
        try:
            with arriving.open("xb") as file:
                stored = _copied(source, file)
                file.flush()
                os.fsync(file.fileno())
            self._settle(arriving, target, stored, if_absent=if_absent)
        finally:
            arriving.unlink(missing_ok=True)
        return stored

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise BlobNotFound(key) from None

    def copy(self, source: str, target: str) -> None:
        with self.open(source) as file:
            self.put(target, file)

    def delete(self, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        if key.count("/") > 1:
            try:
                path.parent.rmdir()  # an emptied out/<id>
            except OSError:
                return  # it holds others, or went already

    def keys(self, prefix: str) -> Iterator[str]:
        root = self._path(prefix.rstrip("/"))
        for folder, _, names in os.walk(root):
            for name in names:
                yield (Path(folder) / name).relative_to(self._folder).as_posix()

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:  # noqa: ARG002 — the port's words
        return None

    def _settle(self, arriving: Path, target: Path, stored: Stored, *, if_absent: bool) -> None:
        """Give the bytes their name; again when a `delete` beside it took the folder away just then."""
        for _ in range(FOLDER_TRIES):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if if_absent:
                    os.link(arriving, target)
                else:
                    arriving.replace(target)
            except FileExistsError:
                if (same := _holds(target, stored)) is None:
                    continue
                if not same:
                    raise BlobExists(target.relative_to(self._folder).as_posix()) from None
            except FileNotFoundError:
                continue
            with suppress(FileNotFoundError):  # deleted since
                _sync_folder(target.parent)
            return
        raise StoreBusy(f"{target} cannot be written: its folder vanishes again and again")

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise BlobNotFound(key)
        return self._folder / key


def _copied(source: BinaryIO, target: BinaryIO) -> Stored:
    digest = hashlib.sha256()
    size = 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        target.write(chunk)
        size += len(chunk)
    return Stored(size=size, sha256=digest.hexdigest())


def _holds(path: Path, stored: Stored) -> bool | None:
    """Whether the file has these bytes; None when there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except FileNotFoundError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
