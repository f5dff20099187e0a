"""The work domain: linear light and its encoded form, one pair of mirrored curves for every kind of photo.

We encode with the sRGB transfer function (IEC 61966-2-1) continued beyond its range: odd below 0 and by the same
power above 1. Three reasons. At gain 1 the encoded value *is* the 8-bit code over 255, so a photo that needs nothing
comes back as it was. The straight toe has slope 12.92, so noise around a raw file's black level stays symmetric
instead of being clipped to a cast. And values above 1 survive to the tone curve, which decides alone what becomes
white.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.curves import CURVES

TOE_LINEAR: float = CURVES["transfer"]["toe_linear"]
TOE_ENCODED: float = CURVES["transfer"]["toe_encoded"]
TOE_SLOPE: float = CURVES["transfer"]["toe_slope"]
SCALE: float = CURVES["transfer"]["scale"]
OFFSET: float = CURVES["transfer"]["offset"]
POWER: float = CURVES["transfer"]["power"]
LUMA: NDArray[np.float64] = np.array(CURVES["luma"])
"""Shares of R, G, B in luminance (linear light) and luma (encoded), Rec. 709."""


def encode(linear: ArrayLike) -> NDArray[np.float64]:
    """Linear light (1 = white, any sign, any size) → encoded value, odd and strictly growing."""
    linear = np.asarray(linear, np.float64)
    size = np.abs(linear)
    curve = SCALE * np.maximum(size, TOE_LINEAR) ** (1 / POWER) - OFFSET
    return np.asarray(np.copysign(np.where(size <= TOE_LINEAR, TOE_SLOPE * size, curve), linear))


def decode(encoded: ArrayLike) -> NDArray[np.float64]:
    """Encoded value → linear light; the inverse of `encode`."""
    encoded = np.asarray(encoded, np.float64)
    size = np.abs(encoded)
    curve = ((np.maximum(size, TOE_ENCODED) + OFFSET) / SCALE) ** POWER
    return np.asarray(np.copysign(np.where(size <= TOE_ENCODED, size / TOE_SLOPE, curve), encoded))
