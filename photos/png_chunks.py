"""The chunks of a PNG (PNG specification, third edition): one of a stranger's found, our own made."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 256
_LARGEST = 1024


def find_chunk(png: memoryview, name: bytes) -> bytes | None:
    """The first 1,024 bytes of the first chunk of that name before the pixels, if there is one."""
    at = len(SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(png[at : at + 4], "big"), bytes(png[at + 4 : at + 8])
        if kind in {b"", b"IDAT"}:
            return None
        if kind == name:
            return bytes(png[at + 8 : at + 8 + min(length, _LARGEST)])
        at += 12 + length
    return None


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk."""
    return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))
