"""Colour code points (ITU-T H.273) as an ICC profile, so that a result names the colours its source meant."""

import struct

import numpy as np
from numpy.typing import NDArray

# Transfer characteristics that a viewer shows as sRGB: BT.709 and its twins, gamma 2.2, sRGB, unspecified.
SDR_CURVES = {1, 2, 4, 6, 13, 14, 15}
# Colour primaries → x, y of red, green, blue; white is D65 in all. BT.709 and unspecified are sRGB and need none.
_PRIMARIES = {
    9: ("BT.2020", (0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    12: ("Display P3", (0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)
_D50 = np.array((0.9642, 1.0, 0.8249))  # of the profile connection space
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # parametric curve of type 3: g, a, b, c, d


def profile(primaries: int) -> bytes | None:
    """An ICC profile (v4, matrix and sRGB curve) of these colour primaries; None where sRGB says it already."""
    return _PROFILES.get(primaries)


def _made(name: str, xy: tuple[float, ...]) -> bytes:
    colours = _matrix(xy)
    curve = b"para" + bytes(4) + struct.pack(">HH", 3, 0) + b"".join(map(_fixed, _SRGB_CURVE))
    tags = [
        (b"desc", _text(name)),
        (b"cprt", _text("No copyright, use freely")),
        (b"wtpt", _xyz(_D50)),
        *((tag, _xyz(colours[:, index])) for index, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))),
        *((tag, curve) for tag in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags:
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return head.ljust(68, b"\0") + b"".join(map(_fixed, _D50)) + bytes(48) + table + body


def _matrix(xy: tuple[float, ...]) -> NDArray[np.float64]:
    """Linear RGB → XYZ (D50). Columns are the primaries, scaled so that (1, 1, 1) is white; Bradford to D50."""
    columns = np.array([_xyz_of(*xy[at : at + 2]) for at in (0, 2, 4)]).T
    white = _xyz_of(*_D65)
    to_xyz = columns * np.linalg.solve(columns, white)
    cones = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD @ to_xyz
    return adapted


def _xyz_of(x: float, y: float) -> NDArray[np.float64]:
    return np.array((x / y, 1.0, (1 - x - y) / y))


def _fixed(value: float) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(">i", round(float(value) * 65536))


def _xyz(value: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, value))


def _text(text: str) -> bytes:
    """One English text as multiLocalizedUnicodeType."""
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


# Made before any photo is read: the sandbox would not let Python fetch its UTF-16 codec.
_PROFILES = {primaries: _made(name, xy) for primaries, (name, xy) in _PRIMARIES.items()}
