"""ICC profiles of our own for the spaces we know: no profile of a source is ever copied into a result.

A profile can carry owners, serial numbers and whatever else its tags hold, and a crafted one attacks whoever opens
the result. These say the same colours in 600 bytes, the same for everybody.
"""

import struct

import numpy as np

from photos.colour_space import D50, SPACES, ColourSpace, Numbers, adaptation, to_pcs
from photos.raster import COLOUR_SPACES

_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)  # parametric curve of type 3: g, a, b, c, d
_PARAMETRIC_GAMMA, _PARAMETRIC_SRGB = 0, 3


def profile(name: str, *, grey: bool) -> bytes | None:
    """The profile (ICC v4) of the space of that name, for a grey or a colour picture; None if the name is unknown."""
    return _PROFILES.get((name, grey))


def _made(space: ColourSpace, *, grey: bool) -> bytes:
    tags = [
        (b"desc", _text(f"Grey: {space.title}" if grey else space.title)),
        (b"cprt", _text("No copyright, use freely")),
        (b"wtpt", _xyz(D50)),
    ]
    if grey:
        tags.append((b"kTRC", _curve(space)))
    else:
        colours, curve = to_pcs(space), _curve(space)
        tags.append((b"chad", b"sf32" + bytes(4) + b"".join(map(_fixed, adaptation().ravel()))))
        tags += [(tag, _xyz(colours[:, index])) for index, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
        tags += [(tag, curve) for tag in (b"rTRC", b"gTRC", b"bTRC")]
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    places: dict[bytes, int] = {}
    for tag, data in tags:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += tag + struct.pack(">II", places[data], len(data))
    kind = b"GRAY" if grey else b"RGB "
    head = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x04300000, b"mntr", kind, b"XYZ ", b"acsp")
    return head.ljust(68, b"\0") + b"".join(map(_fixed, D50)) + bytes(48) + table + body


def _curve(space: ColourSpace) -> bytes:
    kind, numbers = (_PARAMETRIC_SRGB, _SRGB_CURVE) if space.gamma is None else (_PARAMETRIC_GAMMA, (space.gamma,))
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, numbers))


def _fixed(value: float | np.float64) -> bytes:
    """s15Fixed16Number."""
    return struct.pack(">i", round(float(value) * 65536))


def _xyz(value: Numbers) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, value))


def _text(text: str) -> bytes:
    """One English text as multiLocalizedUnicodeType."""
    data = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


# Made before any photo is read: the sandbox would not let Python fetch its UTF-16 codec.
_PROFILES = {(name, grey): _made(SPACES[name], grey=grey) for name in COLOUR_SPACES for grey in (False, True)}
