"""Shared memory as the file that encoders want to write to."""

import io
import mmap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class MappedFile(io.RawIOBase):
    """A file of fixed room over a map; length is where writing got furthest. ValueError when the room is full.

    It has no descriptor and never calls msync: the sandbox knows neither.
    """

    def __init__(self, room: mmap.mmap) -> None:
        super().__init__()
        self._room = room
        self._at = 0
        self.length = 0

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """Write all of `data` here."""
        view = memoryview(data).cast("B")
        end = self._at + len(view)
        if end > len(self._room):
            raise ValueError("the result does not fit its buffer")
        self._room[self._at : end] = view
        self._at = end
        self.length = max(self.length, end)
        return len(view)

    def readinto(self, into: "ReadableBuffer") -> int:
        """Read what was written, as far as it goes."""
        view = memoryview(into).cast("B")
        count = max(0, min(len(view), self.length - self._at))
        view[:count] = self._room[self._at : self._at + count]
        self._at += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` from the start, from here, or from the furthest byte written."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        return self._at

    def tell(self) -> int:
        """Where the next byte goes."""
        return self._at
