"""Source codes as linear light: black level, white level and white balance, as one table."""

import numpy as np
from numpy.typing import NDArray

from model.cfa import red_offset
from model.light import decode
from photos.raster import Raster

Codes = NDArray[np.uint8] | NDArray[np.uint16]


def linear_tables(raster: Raster) -> NDArray[np.float64]:
    """Linear light of every source code, white balance applied: [1, levels], or [4, levels] for RGGB of a mosaic.

    A mosaic's values may be below 0 (noise under the black level) and end at 1 in all colours at once: the smallest
    white balance multiplier decides, so that a clipped lamp is white and not magenta.
    """
    codes = np.arange(1 << raster.depth, dtype=np.float64)
    if raster.layout == "rgb":
        value = codes / raster.white
        return (value if raster.curve == "linear" else decode(value))[None]
    down, right = red_offset(raster.cfa)
    rows = []
    for row, column, colour in ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 2)):
        black = raster.black[(row + down) % 2 * 2 + (column + right) % 2]
        rows.append((codes - black) / (raster.white - black) * raster.white_balance[colour])
    least = min(raster.white_balance)
    return np.minimum(np.stack(rows), least) / least


def smallest_step(raster: Raster) -> float:
    """Linear light of the first code above black; for sRGB that of eight bits, lest a wider file look otherwise."""
    return 1 / (raster.white - min(raster.black)) if raster.curve == "linear" else float(decode(1 / 255))
