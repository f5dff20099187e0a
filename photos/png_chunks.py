"""Put a colour profile and an EXIF block into a finished PNG, without writing it anew."""

import struct
import zlib
from collections.abc import Iterator

_HEADER_END = 8 + 25  # signature and IHDR: profile and EXIF belong between it and the pixels


def with_chunks(png: memoryview, *, icc: bytes | None, exif: bytes | None) -> Iterator[bytes | memoryview]:
    """The parts of the PNG with chunks iCCP and eXIf (PNG specification, third edition) inserted.

    `exif` may begin with the marker that JPEG puts before it.
    """
    yield png[:_HEADER_END]
    if icc:
        yield _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc, 1))
    if exif:
        yield _chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
    yield png[_HEADER_END:]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
