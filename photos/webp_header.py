"""The header of a WebP file, chunk by chunk; Pillow would allocate two whole pictures to tell its size.

After RIFF, a length and WEBP come chunks of a name, a length and data padded to even (WebP Container Specification).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from photos.refused import Refused

_MOST_CHUNKS = 64
_ANIMATED, _ALPHA = 0x02, 0x10
_LARGEST_BLOCK = 8 << 20  # of EXIF or colour profile


@dataclass(slots=True, kw_only=True)
class WebpHeader:
    """Sides in pixels, kind, and the metadata blocks as they stand."""

    width: int = 0
    height: int = 0
    alpha: bool = False
    animated: bool = False
    exif: bytes | None = None
    icc: bytes | None = None


def read_webp_header(photo: memoryview) -> WebpHeader:
    """The header; Refused("broken") if there is no picture in it or the file is cut off."""
    header = WebpHeader()
    pictured = False
    for name, data in _chunks(photo):
        if name == b"VP8X" and len(data) >= 10:
            header.animated, header.alpha = bool(data[0] & _ANIMATED), bool(data[0] & _ALPHA)
        elif name == b"ANIM":
            header.animated = True
        elif name == b"VP8 " and not pictured and bytes(data[3:6]) == b"\x9d\x01\x2a" and len(data) >= 10:
            pictured = True
            header.width, header.height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 6))
        elif name == b"VP8L" and not pictured and len(data) >= 5 and data[0] == 0x2F:
            pictured = True
            (bits,) = struct.unpack_from("<I", data, 1)
            header.width, header.height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            header.alpha = bool(bits >> 28 & 1)
        elif name == b"EXIF" and len(data) <= _LARGEST_BLOCK:
            header.exif = bytes(data)
        elif name == b"ICCP" and len(data) <= _LARGEST_BLOCK:
            header.icc = bytes(data)
    if not pictured and not header.animated:
        raise Refused("broken")
    return header


def _chunks(photo: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at = 12
    for _ in range(_MOST_CHUNKS):
        if at + 8 > len(photo):
            return
        (length,) = struct.unpack_from("<I", photo, at + 4)
        if at + 8 + length > len(photo):
            raise Refused("broken")
        yield bytes(photo[at : at + 4]), photo[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
