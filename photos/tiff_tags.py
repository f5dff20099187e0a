"""The few TIFF tags that tell a camera raw from a plain TIFF, read without trust in any offset.

A TIFF by its magic is a camera raw when
- a DNGVersion stands in its first directory, or
- a directory, or one of the sub-directories it names, holds a colour filter array or linear raw, or
- a known camera maker signed a first directory that is only a preview (NEF, ARW, SRW, 3FR keep the mosaic elsewhere).
Make alone says nothing: developed TIFFs keep their camera's name.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]

_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_IFDS, _DNG_VERSION = 254, 259, 262, 271, 330, 50706
_CFA, _LINEAR_RAW = 32803, 34892
_REDUCED = 1
_OLD_JPEG = 6
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 13: 4}  # bytes of BYTE, ASCII, SHORT, LONG, IFD
_MOST_ENTRIES = 512
_MOST_DIRECTORIES = 16
_MOST_VALUES = 64
_MAKERS = (
    b"canon", b"nikon", b"sony", b"fuji", b"panasonic", b"leica", b"olympus", b"om digital", b"pentax", b"ricoh",
    b"samsung", b"hasselblad", b"phase one", b"leaf", b"mamiya", b"kodak", b"eastman", b"epson", b"minolta", b"konica",
    b"sigma", b"casio", b"sinar", b"imacon", b"dji", b"gopro", b"asahi",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    tags: dict[int, tuple[int, ...]]
    make: bytes
    next_offset: int


def holds_raw(read: Read) -> bool:
    """Whether the TIFF that `read(offset, count)` reads is a camera raw; False if its tags cannot be followed.

    `read` may return fewer bytes than asked for. At most 16 directories are followed, cycles included.
    """
    for index, directory in enumerate(_directories(read)):
        photometric = directory.tags.get(_PHOTOMETRIC, (0,))[0]
        if photometric in {_CFA, _LINEAR_RAW}:
            return True
        if index == 0 and (_DNG_VERSION in directory.tags or _is_makers_preview(directory)):
            return True
    return False


def _is_makers_preview(directory: _Directory) -> bool:
    tags = directory.tags
    preview = tags.get(_SUBFILE, (0,))[0] & _REDUCED or tags.get(_COMPRESSION, (1,))[0] == _OLD_JPEG
    return bool(preview) and directory.make.lower().startswith(_MAKERS)


def _directories(read: Read) -> Iterator[_Directory]:
    """The first directory, those it chains to and the sub-directories they name, breadth first."""
    order = {b"II": "<", b"MM": ">"}.get(read(0, 2))
    first = read(4, 4)
    if order is None or len(first) < 4:
        return
    queue = [struct.unpack(order + "I", first)[0]]
    seen: set[int] = set()
    while queue and len(seen) < _MOST_DIRECTORIES:
        offset = queue.pop(0)
        if offset in seen or offset < 8:
            continue
        seen.add(offset)
        directory = _directory(read, order, offset)
        if directory is None:
            continue
        yield directory
        queue += [directory.next_offset, *directory.tags.get(_SUB_IFDS, ())]


def _directory(read: Read, order: str, offset: int) -> _Directory | None:
    count_bytes = read(offset, 2)
    if len(count_bytes) < 2:
        return None
    (count,) = struct.unpack(order + "H", count_bytes)
    if not 0 < count <= _MOST_ENTRIES:
        return None
    block = read(offset + 2, count * 12 + 4)
    tags: dict[int, tuple[int, ...]] = {}
    make = b""
    for at in range(0, min(len(block), count * 12) - 11, 12):
        tag, kind, length = struct.unpack_from(order + "HHI", block, at)
        if tag not in {_SUBFILE, _COMPRESSION, _PHOTOMETRIC, _MAKE, _SUB_IFDS, _DNG_VERSION} or kind not in _SIZES:
            continue
        value = _value(read, order, block[at + 8 : at + 12], min(length, _MOST_VALUES) * _SIZES[kind])
        if tag == _MAKE:
            make = value
        elif kind != 2 and len(value) >= _SIZES[kind]:
            code = {1: "B", 2: "H", 4: "I"}[_SIZES[kind]]
            tags[tag] = struct.unpack(f"{order}{len(value) // _SIZES[kind]}{code}", value)
    tail = block[count * 12 : count * 12 + 4]
    return _Directory(tags=tags, make=make, next_offset=struct.unpack(order + "I", tail)[0] if len(tail) == 4 else 0)


def _value(read: Read, order: str, field: bytes, size: int) -> bytes:
    """The bytes of an entry: in its own field when they fit, else where it points."""
    if size <= 4:
        return field[:size]
    (offset,) = struct.unpack(order + "I", field)
    value = read(offset, size)
    return value if len(value) == size else b""
