"""The colour spaces a buffer's codes may be in: primaries, white and curve of each, by the names of raster.py.

An engine takes all codes for sRGB-curved. That is exact for Display P3 and BT.2020 as we write them; for gamma 2.2 it
differs near black only (a code of 10 means four times more light in sRGB), and a result near ratio 1 is exact again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

D65 = (0.3127, 0.3290)
D50 = np.array((0.9642, 1.0, 0.8249))  # XYZ of white in the profile connection space, ICC.1 §7.2.16
_BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
_BT709 = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourSpace:
    """title: what a profile says of it. primaries: x, y of red, green, blue; white is D65.

    gamma: exponent of its curve, None for that of sRGB (IEC 61966-2-1).
    """

    title: str
    primaries: tuple[float, float, float, float, float, float]
    gamma: float | None = None


SPACES = {
    "srgb": ColourSpace(title="sRGB", primaries=_BT709),
    "display-p3": ColourSpace(title="Display P3", primaries=(0.680, 0.320, 0.265, 0.690, 0.150, 0.060)),
    "bt2020": ColourSpace(title="BT.2020", primaries=(0.708, 0.292, 0.170, 0.797, 0.131, 0.046)),
    "adobe-rgb": ColourSpace(
        title="Compatible with Adobe RGB (1998)",
        primaries=(0.640, 0.330, 0.210, 0.710, 0.150, 0.060),
        gamma=563 / 256,
    ),
    "gamma-2.2": ColourSpace(title="Gamma 2.2", primaries=_BT709, gamma=2.2),
}


def light(space: ColourSpace, codes: Numbers) -> Numbers:
    """Codes 0…1 → linear light 0…1."""
    if space.gamma is not None:
        return np.asarray(codes**space.gamma)
    return np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)


def codes(space: ColourSpace, light_: Numbers) -> Numbers:
    """Linear light 0…1 → codes 0…1, the inverse of light."""
    if space.gamma is not None:
        return np.asarray(light_ ** (1 / space.gamma))
    return np.where(light_ <= 0.04045 / 12.92, light_ * 12.92, 1.055 * light_ ** (1 / 2.4) - 0.055)


def to_pcs(space: ColourSpace) -> Numbers:
    """[3, 3], linear RGB → XYZ (D50): columns are the primaries, scaled so that (1, 1, 1) is white; Bradford to D50."""
    xy = space.primaries
    columns = np.array([_xyz(*xy[at : at + 2]) for at in (0, 2, 4)]).T
    to_xyz = columns * np.linalg.solve(columns, _xyz(*D65))
    return np.asarray(adaptation() @ to_xyz)


def adaptation() -> Numbers:
    """[3, 3], XYZ under D65 → XYZ under D50, by Bradford."""
    cones = (_BRADFORD @ D50) / (_BRADFORD @ _xyz(*D65))
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD)


def _xyz(x: float, y: float) -> Numbers:
    return np.array((x / y, 1.0, (1 - x - y) / y))
