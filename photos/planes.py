"""The planes of a pixel buffer as arrays, without copying."""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photos.raster import Raster

Codes = NDArray[Any]  # uint8 or uint16


def planes(buffer: mmap.mmap, raster: Raster) -> tuple[Codes, Codes | None]:
    """The colour pixels [H, W, 3] of a buffer and its alpha plane [H, W], if it has one."""
    dtype = np.uint8 if raster.depth == 8 else np.uint16
    count = raster.width * raster.height
    colour = np.frombuffer(buffer, dtype, count * 3).reshape(raster.height, raster.width, 3)
    if not raster.alpha:
        return colour, None
    alpha = np.frombuffer(buffer, dtype, count, raster.colour_bytes).reshape(raster.height, raster.width)
    return colour, alpha


def fitted(plane: Codes, depth: int) -> Codes:
    """A plane of 8 or 16 bits as one of `depth` bits, full scale to full scale; itself where it is one already."""
    if plane.itemsize * 8 == depth:
        return plane
    return (plane >> 8).astype(np.uint8) if depth == 8 else plane.astype(np.uint16) * np.uint16(257)
