"""A camera whose raw files are as noisy as a real one's: a bright photo in, a dark DNG out, and what it should become.

Noise by ELD's model (Wei et al., CVPR 2020) with the calibration of one camera that the training keeps out, written
for the bench alone: it shares no line with the pairs that the network is trained on.
"""

import io
from dataclasses import dataclass

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy.stats import tukeylambda

from model.light import decode

BLACK, WHITE = 512, 16383
SYSTEM_GAINS = 0.42, 0.75, 1.36, 2.47, 4.47, 8.10
"""Counts per electron at which photos are taken: the lower six of the eight ISO settings that were calibrated."""
NEUTRAL = np.array([0.49, 1.0, 0.67])
"""What the camera sees of daylight's white."""
CAMERA_FROM_XYZ = np.array([[0.96, -0.29, -0.12], [-0.58, 1.39, 0.20], [-0.13, 0.24, 0.72]])
"""XYZ (D65) → camera colours of a plausible camera."""
XYZ_FROM_SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""IEC 61966-2-1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One camera's noise. Log scales are slope · log K + bias ± sigma; shapes and biases are from low to high ISO."""

    read: tuple[float, float, float]
    row: tuple[float, float, float]
    gains: tuple[float, float]
    """The smallest and the largest K, of the first and the last shape."""
    shapes: tuple[float, ...]
    colour_bias: tuple[tuple[float, float, float, float], ...]
    """Counts, R G G B."""


D850 = Calibration(
    read=(0.4774, -0.0904, 0.2392),
    row=(0.4483, -1.7977, 0.2322),
    gains=(0.4150, 26.5625),
    shapes=(-0.114, -0.2, -0.214, -0.229, -0.243, -0.171, -0.143, -0.1),
    colour_bias=(
        (-0.174, -0.194, -0.164, -0.177),
        (0.141, 0.104, 0.029, 0.001),
        (0.494, 0.358, 0.239, 0.135),
        (-2.757, -1.628, -2.169, -1.078),
        (-1.416, -0.700, -1.371, -0.616),
        (0.404, 0.579, 0.534, -0.288),
        (0.937, 1.489, 1.129, 1.691),
        (2.415, 3.837, 3.032, 0.355),
    ),
)
"""Nikon D850, profile 1, as published with ELD (github.com/Vandermode/ELD, MIT), rounded."""


def to_camera() -> NDArray[np.float64]:
    """Linear sRGB → white-balanced camera colours, [3, 3], rows sum to 1."""
    matrix = CAMERA_FROM_XYZ @ XYZ_FROM_SRGB
    return np.asarray(matrix / matrix.sum(1, keepdims=True))


def camera_light(photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """What a perfect sensor sees of a bright sRGB photo, white balanced: linear, 0…1, [H, W, 3]."""
    return (decode(photo / 255) @ to_camera().T).clip(0, 1)


def counts(light: NDArray[np.float64], ratio: float) -> NDArray[np.float64]:
    """Clean counts above black of an RGGB sensor, [H, W], of white-balanced light at 1/ratio of the exposure."""
    sensed = light * NEUTRAL / ratio * (WHITE - BLACK)
    mosaic: NDArray[np.float64] = sensed[..., 1].copy()
    mosaic[::2, ::2] = sensed[::2, ::2, 0]
    mosaic[1::2, 1::2] = sensed[1::2, 1::2, 2]
    return mosaic


def noisy(
    clean: NDArray[np.float64], system_gain: float, camera: Calibration, random: np.random.Generator
) -> NDArray[np.uint16]:
    """Counts as the file holds them, black included: shot, read and row noise, bias of the colours, rounding."""
    height, width = clean.shape
    found = system_gain * random.poisson(clean / system_gain).astype(np.float64)
    setting = np.interp(np.log(system_gain), np.log(camera.gains), (0, len(camera.shapes) - 1)).round().astype(int)
    shape = camera.shapes[setting]
    found += tukeylambda.rvs(
        shape, scale=drawn(camera.read, system_gain, random), size=clean.shape, random_state=random
    )
    found += random.normal(0, drawn(camera.row, system_gain, random), (height, 1))
    found += np.tile(np.array(camera.colour_bias[setting]).reshape(2, 2), (height // 2, width // 2))
    return (found + BLACK).round().clip(0, WHITE).astype(np.uint16)


def drawn(law: tuple[float, float, float], system_gain: float, random: np.random.Generator) -> float:
    """A scale in counts, log-normal around the line of its calibration."""
    slope, bias, sigma = law
    return float(np.exp(slope * np.log(system_gain) + bias + random.normal(0, sigma)))


def dng(mosaic: NDArray[np.uint16]) -> bytes:
    """An RGGB mosaic [H, W] as a file that any raw converter opens."""
    file = io.BytesIO()
    matrix = tuple(value for entry in CAMERA_FROM_XYZ.ravel() for value in (round(float(entry) * 10000), 10000))
    neutral = tuple(value for entry in NEUTRAL for value in (round(float(entry) * 10000), 10000))
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),  # DNGVersion
        (271, "s", 0, "Firstlight", True),  # Make
        (272, "s", 0, "Bench Camera", True),  # Model
        (50708, "s", 0, "Firstlight Bench Camera", True),  # UniqueCameraModel
        (33421, "H", 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, "B", 4, (0, 1, 1, 2), True),  # CFAPattern
        (50714, "H", 1, BLACK, True),  # BlackLevel
        (50717, "I", 1, WHITE, True),  # WhiteLevel
        (50721, "2i", 9, matrix, True),  # ColorMatrix1
        (50728, "2I", 3, neutral, True),  # AsShotNeutral
        (50778, "H", 1, 21, True),  # CalibrationIlluminant1: D65
    ]
    tifffile.imwrite(file, mosaic, photometric=32803, metadata=None, extratags=tags)
    return file.getvalue()
