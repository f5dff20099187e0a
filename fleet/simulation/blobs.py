"""Photos without weight: a blob store that only knows which keys there are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from jobs.arrival import Arrival, SignedForm
from jobs.errors import BlobNotFound
from jobs.stored import Stored


class WeightlessBlobs:
    def __init__(self) -> None:
        self._keys: set[str] = set()

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        del source, if_absent
        self._keys.add(key)
        return Stored(size=0, sha256="")

    def open(self, key: str, *, version: str = "") -> BinaryIO:
        del version
        if key not in self._keys:
            raise BlobNotFound(key)
        return io.BytesIO()

    def look(self, key: str, *, first: int) -> Arrival:
        del first
        if key not in self._keys:
            raise BlobNotFound(key)
        return Arrival(size=0, head=b"", version="")

    def copy(self, source: str, target: str) -> None:
        if source not in self._keys:
            raise BlobNotFound(source)
        self._keys.add(target)

    def delete(self, key: str) -> None:
        self._keys.discard(key)

    def keys(self, prefix: str) -> Iterator[str]:
        yield from [key for key in self._keys if key.startswith(prefix)] if self._keys else []

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> None:
        del key, seconds, filename, media_type

    def admit(self, key: str, *, size: int, seconds: int) -> SignedForm | None:
        del key, size, seconds
        return None
