"""Which kind of photo a file is, by its first bytes; no decoder is asked."""

import os

from photos.facts import Format
from photos.tiff_tags import holds_raw

HEAD_BYTES = 65_536

_TIFF = (b"II*\0", b"MM\0*")
_PHOTOS: tuple[tuple[int, bytes, Format], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    # Camera raws with a magic of their own; the others are TIFF by their first four bytes.
    (0, b"II\x1a\0\0\0HEAPCCDR", "raw"),  # CRW
    (0, b"FUJIFILMCCD-RAW", "raw"),  # RAF
    (0, b"IIU\0", "raw"),  # RW2, RWL
    (0, b"IIRO", "raw"),  # ORF
    (0, b"IIRS", "raw"),
    (0, b"MMOR", "raw"),
    (0, b"\0MRM", "raw"),  # MRW
    (0, b"FOVb", "raw"),  # X3F
    (4, b"ftypcrx ", "raw"),  # CR3
)
# TIFF by their first bytes, and yet certainly camera raw by the next: CR2, Phase One.
_RAW_AFTER_TIFF = ((8, b"CR\x02"), (8, b"IIII"), (8, b"MMMM"))
# Formats known by name only, so that a refusal can say which.
_REFUSED = (
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II+\0", "bigtiff"),
    (0, b"MM\0+", "bigtiff"),
    (0, b"8BPS", "psd"),
    (0, b"\xff\x0a", "jxl"),
    (4, b"JXL \r\n\x87\n", "jxl"),
    (4, b"jP  \r\n\x87\n", "jp2"),
)
# Brands of ISO base media files; those of a container alone leave it to the compatible brands to name the codec.
_BRANDS: dict[bytes, Format] = {
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "heic"),
}
_CONTAINERS = (b"mif1", b"msf1")
_FIRST_BYTES = 256


def sniff(head: bytes) -> Format | None:
    """The format of a file that begins with `head`, or None if it is none we read.

    HEAD_BYTES are enough for all but TIFF, whose tags may lie anywhere: what they hide from `head` is called "tiff",
    and sniff_file says more.
    """
    for offset, magic, format_ in _PHOTOS:
        if head.startswith(magic, offset):
            return format_
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    if head.startswith(_TIFF):
        raw = any(head.startswith(magic, offset) for offset, magic in _RAW_AFTER_TIFF)
        return "raw" if raw or holds_raw(lambda offset, count: head[offset : offset + count]) else "tiff"
    return None


def sniff_file(fd: int) -> Format | None:
    """The format of a seekable file; like sniff, but follows TIFF tags wherever they lie. The file's offset stays."""
    found = sniff(os.pread(fd, _FIRST_BYTES, 0))
    if found == "tiff" and holds_raw(lambda offset, count: os.pread(fd, count, offset)):
        return "raw"
    return found


def refusal(head: bytes) -> str:
    """The reason, a key of REFUSALS, why a file that sniff does not know is refused."""
    if not head:
        return "empty"
    for offset, magic, reason in _REFUSED:
        if head.startswith(magic, offset):
            return reason
    return "unknown_format"


def _by_brand(head: bytes) -> Format | None:
    major = head[8:12]
    if major not in _CONTAINERS:
        return _BRANDS.get(major)
    end = min(int.from_bytes(head[:4], "big"), _FIRST_BYTES)
    compatible = [head[at : at + 4] for at in range(16, end - 3, 4)]
    return next((_BRANDS[brand] for brand in compatible if brand in _BRANDS), None)
