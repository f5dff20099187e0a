"""An encoded picture in a buffer, read as a file of its true length."""

from __future__ import annotations

import io
import os


class BufferReader(io.RawIOBase):
    """Reads the first `size` bytes of a descriptor without moving its offset or copying the whole."""

    def __init__(self, descriptor: int, size: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError(f"{at} is before the picture's begin")
        self._at = at
        return at

    def readinto(self, into: memoryview | bytearray) -> int:  # type: ignore[override]
        wanted = min(len(into), max(0, self._size - self._at))
        taken = os.preadv(self._descriptor, [memoryview(into)[:wanted]], self._at) if wanted else 0
        self._at += taken
        return taken
