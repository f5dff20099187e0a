"""What a stranger's ICC profile says of a picture's codes: its kind, curves and primaries; nothing else is read.

Header, tag table, curves and matrix are those of ICC.1:2022 §7.2, §7.3, §10.6, §10.18 and §F.3.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from photos.colour_space import Numbers

Kind = Literal["rgb", "grey", "cmyk"]
Curve = Callable[[Numbers], Numbers]

_KINDS: dict[bytes, Kind] = {b"RGB ": "rgb", b"GRAY": "grey", b"CMYK": "cmyk"}
_DEVICES = (b"mntr", b"scnr", b"prtr", b"spac")
_LAB = b"Lab "
_TABLES = (b"A2B0", b"A2B1")
_HEADER, _ENTRY = 128, 12
_MOST_TAGS = 128
_LARGEST = 4 << 20
# numbers of a parametric curve, by type
_PARAMETERS = (1, 3, 4, 5, 7)
_STEEPEST = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IccProfile:
    """kind: of the codes. curves: codes 0…1 → linear light 0…1 per channel (three, or one of grey), if given.

    matrix: [3, 3], linear RGB → XYZ (D50), if given; a kind "rgb" has either both or neither.
    tabled: it has a look-up table to the profile connection space.
    """

    kind: Kind
    curves: tuple[Curve, ...] = ()
    matrix: Numbers | None = None
    tabled: bool = False


def read_icc(block: object) -> IccProfile | None:
    """The profile, or None for one that is malformed, too large, or of a kind that no photo has."""
    if not isinstance(block, bytes) or not _HEADER + 4 <= len(block) <= _LARGEST:
        return None
    class_, space, connection, mark = block[12:16], block[16:20], block[20:24], block[36:40]
    kind = _KINDS.get(space)
    tags = _tags(block)
    if mark != b"acsp" or class_ not in _DEVICES or kind is None or tags is None:
        return None
    tabled = any(tag in tags for tag in _TABLES)
    if kind == "grey":
        curves = _curves(tags, (b"kTRC",))
        if connection == _LAB:
            curves = tuple(_through_lightness(curve) for curve in curves)
        return IccProfile(kind=kind, curves=curves) if curves else None
    matrix = _matrix(tags) if kind == "rgb" and connection == b"XYZ " else None
    curves = _curves(tags, (b"rTRC", b"gTRC", b"bTRC")) if matrix is not None else ()
    if not curves and not tabled:
        return None
    return IccProfile(kind=kind, curves=curves, matrix=matrix if curves else None, tabled=tabled)


def _tags(block: bytes) -> dict[bytes, bytes] | None:
    (count,) = struct.unpack_from(">I", block, _HEADER)
    if count > _MOST_TAGS or _HEADER + 4 + count * _ENTRY > len(block):
        return None
    tags = {}
    for at in range(_HEADER + 4, _HEADER + 4 + count * _ENTRY, _ENTRY):
        tag, offset, size = struct.unpack_from(">4sII", block, at)
        if offset + size > len(block):
            return None
        tags[tag] = block[offset : offset + size]
    return tags


def _matrix(tags: dict[bytes, bytes]) -> Numbers | None:
    columns = [_xyz(tags.get(tag, b"")) for tag in (b"rXYZ", b"gXYZ", b"bXYZ")]
    if any(column is None for column in columns):
        return None
    matrix = np.array(columns, np.float64).T
    sound = np.abs(matrix).max() < 3 and abs(np.linalg.det(matrix)) > 1e-3 and matrix[1].sum() > 0.1
    return matrix if sound else None


def _xyz(data: bytes) -> tuple[float, ...] | None:
    if data[:4] != b"XYZ " or len(data) < 20:
        return None
    return _fixed(data, 8, 3)


def _fixed(data: bytes, at: int, count: int) -> tuple[float, ...]:
    return tuple(value / 65536 for value in struct.unpack_from(f">{count}i", data, at))


def _curves(tags: dict[bytes, bytes], names: tuple[bytes, ...]) -> tuple[Curve, ...]:
    """One curve for each name; none at all if one is missing or makes no sense."""
    found = [_curve(tags.get(name, b"")) for name in names]
    curves = tuple(curve for curve in found if curve is not None and _rises(curve))
    return curves if len(curves) == len(names) else ()


def _rises(curve: Curve) -> bool:
    values = curve(np.linspace(0, 1, 1025))
    return bool(np.isfinite(values).all() and (np.diff(values) > -1e-3).all() and values[-1] - values[0] > 0.1)


def _curve(data: bytes) -> Curve | None:
    if data[:4] == b"curv" and len(data) >= 12:
        (count,) = struct.unpack_from(">I", data, 8)
        return _sampled(data, count) if 12 + 2 * count <= len(data) else None
    if data[:4] == b"para" and len(data) >= 12:
        kind = int.from_bytes(data[8:10], "big")
        if kind < len(_PARAMETERS) and 12 + 4 * _PARAMETERS[kind] <= len(data):
            return _parametric(kind, _fixed(data, 12, _PARAMETERS[kind]))
    return None


def _sampled(data: bytes, count: int) -> Curve | None:
    if count == 0:
        return lambda codes: codes
    if count == 1:
        return _parametric(0, (int.from_bytes(data[12:14], "big") / 256,))
    values = np.frombuffer(data, ">u2", count, 12) / 65535
    places = np.linspace(0, 1, count)
    return lambda codes: np.interp(codes, places, values)


def _parametric(kind: int, numbers: tuple[float, ...]) -> Curve | None:
    """Y = (a·X + b)^g + e where X ≥ d, else c·X + f, of which the lower types leave some out."""
    g, a, b, c, d, e, f = (*numbers, *(0.0,) * (7 - len(numbers)))
    if not 1 / _STEEPEST < g < _STEEPEST:
        return None
    if kind == 0:
        a, d = 1.0, 0.0
    elif kind in {1, 2}:
        if a == 0:
            return None
        e = f = c if kind == 2 else 0.0
        c, d = 0.0, -b / a
    if not all(map(math.isfinite, (a, b, c, d, e, f))):
        return None

    def curve(codes: Numbers) -> Numbers:
        power = np.maximum(a * codes + b, 0) ** g + e
        return np.clip(np.where(codes >= d, power, c * codes + f), 0, 1)

    return curve


def _through_lightness(curve: Curve) -> Curve:
    """A grey curve to L* (as a profile with Lab connection has it) as one to linear light, CIE 15 §8.2.1."""

    def to_light(codes: Numbers) -> Numbers:
        lightness = curve(codes) * 100
        return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * 27 / 24389)

    return to_light
