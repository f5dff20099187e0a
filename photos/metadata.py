"""The little of a photo's metadata that may leave in its result: an allow-list, checked value by value.

Never GPS, serial numbers, owner names, thumbnails, maker notes, comments or XMP: what is not named here is dropped.
"""

import math
import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, cast

from PIL import Image

from photos.raster import METADATA_KEYS

_MAKE, _MODEL, _ORIENTATION, _DATE = 0x010F, 0x0110, 0x0112, 0x0132
_EXIF_IFD, _EXPOSURE_TIME, _F_NUMBER, _ISO, _DATE_TAKEN, _FOCAL_LENGTH = 0x8769, 0x829A, 0x829D, 0x8827, 0x9003, 0x920A
_INTEROP_IFD, _INTEROP_INDEX, _COLOUR_SPACE, _ADOBE_RGB = 0xA005, 1, 0xA001, 2
_DATE_FORM = re.compile(r"\d{4}:\d\d:\d\d \d\d:\d\d:\d\d")
# key → tag of the EXIF directory, and the range a camera can mean
_NUMBERS = {
    "exposure_time": (_EXPOSURE_TIME, 1e-6, 1e5),
    "f_number": (_F_NUMBER, 0.1, 1e3),
    "iso": (_ISO, 1, 1e7),
    "focal_length": (_FOCAL_LENGTH, 0.1, 1e5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifFacts:
    """EXIF orientation 1…8, allow-listed text, and the colour space that cameras name there instead of a profile."""

    orientation: int = 1
    adobe_rgb: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


def exif_facts(block: bytes | mmap.mmap | None) -> ExifFacts:
    """What an EXIF block, or a whole TIFF, says; whatever is missing, malformed or implausible is left out.

    Damaged metadata never stands in the way of a photo: a block that cannot be parsed says nothing.
    """
    if block is None:
        return ExifFacts()
    exif = Image.Exif()
    try:
        if isinstance(block, mmap.mmap):
            block.seek(0)
            exif.load_from_fp(cast("IO[bytes]", block))
        else:
            exif.load(block)
        return ExifFacts(orientation=_orientation(exif), adobe_rgb=_is_adobe_rgb(exif), metadata=_allowed(exif))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 -- the parser is fed hostile bytes and may raise anything
        return ExifFacts()


def _orientation(exif: Image.Exif) -> int:
    value = exif.get(_ORIENTATION)
    return value if type(value) is int and 1 <= value <= 8 else 1


def _is_adobe_rgb(exif: Image.Exif) -> bool:
    """DCF's optional colour space is Adobe RGB: interoperability rule R03 (CIPA DC-009), or its old number."""
    return _text(exif.get_ifd(_INTEROP_IFD).get(_INTEROP_INDEX)) == "R03" or (
        exif.get_ifd(_EXIF_IFD).get(_COLOUR_SPACE) == _ADOBE_RGB
    )


def _allowed(exif: Image.Exif) -> dict[str, str]:
    inner = exif.get_ifd(_EXIF_IFD)
    found = {"make": _text(exif.get(_MAKE)), "model": _text(exif.get(_MODEL))}
    found["date"] = date_text(inner.get(_DATE_TAKEN) or exif.get(_DATE))
    for key, (tag, low, high) in _NUMBERS.items():
        found[key] = number_text(inner.get(tag, exif.get(tag)), low, high)
    return {key: value for key, value in found.items() if value}


def camera_facts(*, exposure_time: float, f_number: float, iso: float, focal_length: float) -> dict[str, str]:
    """The same from numbers a raw decoder gives; zeros mean unknown and are left out."""
    given = {"exposure_time": exposure_time, "f_number": f_number, "iso": iso, "focal_length": focal_length}
    found = {key: number_text(value, *_NUMBERS[key][1:]) for key, value in given.items()}
    return {key: value for key, value in found.items() if value}


def fresh_exif(metadata: Mapping[str, str]) -> bytes:
    """A new EXIF block of allow-listed metadata, upright (orientation 1); empty when there is nothing to say."""
    exif = Image.Exif()
    inner: dict[int, object] = {}
    for key, tag in (("make", _MAKE), ("model", _MODEL), ("date", _DATE)):
        if key in metadata:
            exif[tag] = metadata[key]
    if "date" in metadata:
        inner[_DATE_TAKEN] = metadata["date"]
    for key, (tag, _, _) in _NUMBERS.items():
        if key in metadata:
            inner[tag] = round(float(metadata[key])) if key == "iso" else float(metadata[key])
    if inner:
        exif[_EXIF_IFD] = inner
    if not len(exif):
        return b""
    exif[_ORIENTATION] = 1
    return exif.tobytes()


def date_text(value: object) -> str:
    """A date as EXIF writes it, YYYY:MM:DD HH:MM:SS, or empty."""
    text = _text(value)
    return text if _DATE_FORM.fullmatch(text) and not text.startswith("0000") else ""


def number_text(value: object, low: float, high: float) -> str:
    """A number in its plausible range as text of 6 digits, or empty."""
    if isinstance(value, tuple) and value:
        value = value[0]
    try:
        number = float(value)  # type: ignore[arg-type]  # rationals, integers or nonsense
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return ""
    return f"{number:.6g}" if math.isfinite(number) and low <= number <= high else ""


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("ascii", "ignore")
    if not isinstance(value, str):
        return ""
    printable = "".join(character for character in value if character.isascii() and character.isprintable())
    return printable.strip()[: METADATA_KEYS["make"]]
