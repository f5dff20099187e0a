"""Disk work beside gevent's loop: syncing 100 MB to a disk stops every other greenlet unless a thread does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, TypeVar, cast

from gevent import get_hub
from gevent.monkey import is_module_patched

from jobs.arrival import Arrival, SignedForm
from jobs.blobs import Blobs, FolderBlobs
from jobs.stored import Stored

T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """The work's own return or exception; under gevent it runs in a real thread while other greenlets go on.

    The work must not touch locks or sockets of the patched modules.
    """
    if is_module_patched("socket"):
        return cast("T", get_hub().threadpool.apply(work))
    return work()


class BlobsAside:
    """Blobs whose slow writes go aside."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        return aside(lambda: self._blobs.put(key, source, if_absent=if_absent))

    def open(self, key: str, *, version: str = "") -> BinaryIO:
        return self._blobs.open(key, version=version)

    def look(self, key: str, *, first: int) -> Arrival:
        return self._blobs.look(key, first=first)

    def copy(self, source: str, target: str) -> None:
        aside(lambda: self._blobs.copy(source, target))

    def delete(self, key: str) -> None:
        aside(lambda: self._blobs.delete(key))

    def keys(self, prefix: str) -> Iterator[str]:
        return self._blobs.keys(prefix)

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:
        return self._blobs.link(key, seconds=seconds, filename=filename, media_type=media_type)

    def admit(self, key: str, *, size: int, seconds: int) -> SignedForm | None:
        return self._blobs.admit(key, size=size, seconds=seconds)


def beside_the_loop(blobs: Blobs) -> Blobs:
    """A folder's writes go to threads; S3 is reached by gevent's own sockets, which other threads may not use."""
    return BlobsAside(blobs) if isinstance(blobs, FolderBlobs) else blobs
