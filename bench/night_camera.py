"""A camera that turns bright photos into dark 8-bit sRGB ones, with what such a camera throws away: light below black.

Made for the bench and shares nothing with the pairs that the network is trained on: photons are drawn as Poisson
counts, the camera subtracts its black level and cuts what lies below, balances white, converts colours, cuts again
and keeps eight bits.
"""

import numpy as np
from numpy.typing import NDArray

from model.light import decode, encode

Picture = NDArray[np.uint8]
WELL = 30_000.0
"""Electrons of a white pixel at the full exposure: at a gain of 150 a middle grey has 40 of them."""
READ = 3.0
"""Read noise in electrons."""
BALANCE = np.array([2.0, 1.0, 1.6])
"""Multipliers of red, green and blue in daylight."""
FROM_CAMERA = np.array([[1.62, -0.48, -0.14], [-0.20, 1.52, -0.32], [0.02, -0.55, 1.53]])
"""White-balanced camera colours → linear sRGB of a plausible camera; rows sum to 1."""
SIXTEEN_BITS = 65535


def clean_night(photo: Picture, gain: float) -> NDArray[np.uint16]:
    """The same photo at 1/gain of its light, as no camera takes it: without noise, in 16 bits."""
    return np.asarray((SIXTEEN_BITS * encode(decode(photo / 255) / gain)).round(), np.uint16)


def night(photo: Picture, gain: float, random: np.random.Generator) -> Picture:
    """A photo [H, W, 3] as the camera takes it at 1/gain of the exposure."""
    seen = (decode(photo / 255) @ np.linalg.inv(FROM_CAMERA).T).clip(0) / BALANCE
    electrons = random.poisson(seen * WELL / gain) + random.normal(0, READ, seen.shape)
    kept = electrons.round().clip(0) / WELL * BALANCE
    return np.asarray((255 * encode((kept @ FROM_CAMERA.T).clip(0, 1))).round(), np.uint8)
