"""The rest of a file, from where it stands: a request that is sent again begins where the first one did."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import BinaryIO

CHUNK = 1 << 20


class Span(io.RawIOBase):
    """A window on a file, whose 0 is where the file stood."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._begin = file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset + (self._begin if whence == io.SEEK_SET else 0), whence) - self._begin

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


@contextmanager
def rewindable(source: BinaryIO) -> Iterator[Span]:
    """The source from where it stands, to be read more than once; on disk meanwhile if it can be read only once."""
    seekable = getattr(source, "seekable", None)
    if seekable is not None and seekable():
        yield Span(source)
        return
    with TemporaryFile() as file:
        shutil.copyfileobj(source, file, CHUNK)
        file.seek(0)
        yield Span(file)
