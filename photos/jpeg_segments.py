"""Put a colour profile and an EXIF block into a finished JPEG, without writing it anew."""

import struct
from collections.abc import Iterator

_START = b"\xff\xd8"
_APP0, _APP1, _APP2 = 0xE0, 0xE1, 0xE2
_LARGEST = 65_533  # bytes of data in one segment
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"


def with_segments(jpeg: memoryview, *, icc: bytes | None, exif: bytes | None) -> Iterator[bytes | memoryview]:
    """The parts of the JPEG with EXIF (CIPA DC-008 §4.5.4) and profile (ICC.1 §B.4) before all that is not JFIF's.

    `exif` may begin with the marker that belongs before it. ValueError if one of them does not fit a segment.
    """
    rest = len(_START)
    if jpeg[2] == 0xFF and jpeg[3] == _APP0:
        rest += 2 + int.from_bytes(jpeg[4:6], "big")
    yield jpeg[:rest]
    if exif:
        yield _segment(_APP1, _EXIF + exif.removeprefix(_EXIF))
    if icc:
        yield _segment(_APP2, _ICC + b"\1\1" + icc)  # the first of one
    yield jpeg[rest:]


def _segment(marker: int, data: bytes) -> bytes:
    if len(data) > _LARGEST:
        raise ValueError("the block does not fit a JPEG segment")
    return struct.pack("!BBH", 0xFF, marker, 2 + len(data)) + data
