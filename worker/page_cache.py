"""What the kernel's page cache holds of a file, and having it forgotten: neither needs a privilege on own files."""

from __future__ import annotations

import ctypes
import mmap
import os
from pathlib import Path

NEAR = 128 << 10
"""Bytes between two pieces that are cheaper to read than to skip: the kernel reads ahead as much by itself."""

Piece = tuple[int, int]
"""Offset and length in bytes."""


def forget(path: Path) -> None:
    """Have the cache drop what no process has mapped."""
    with path.open("rb") as file:
        os.fsync(file.fileno())  # what is not yet on the disk would stay
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident(path: Path) -> list[Piece]:
    """The pieces in the cache, those near each other as one; the whole file where the kernel would not tell (mincore
    answers so about files that the caller may not write).
    """
    size = path.stat().st_size
    if size == 0:
        return []
    page = mmap.PAGESIZE
    there = _pages(path, size)
    found: list[Piece] = []
    for number in (number for number, state in enumerate(there) if state & 1):
        begin, end = number * page, min((number + 1) * page, size)
        if found and begin - (found[-1][0] + found[-1][1]) <= NEAR:
            found[-1] = (found[-1][0], end - found[-1][0])
        else:
            found.append((begin, end - begin))
    return found


def _pages(path: Path, size: int) -> bytes:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    with path.open("rb") as file:
        address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), f"{path} cannot be mapped")
    there = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
    try:
        if libc.mincore(address, size, there) != 0:
            raise OSError(ctypes.get_errno(), f"mincore on {path}")
    finally:
        libc.munmap(address, size)
    return there.raw
