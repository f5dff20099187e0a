"""A photo at a glance: the linear light of a few thousand cells, from which exposure and tone are decided."""

import numpy as np
from numpy.typing import NDArray

from model.cfa import red_offset
from model.linear import Codes, linear_tables
from photos.raster import Raster

CELLS = 48
"""Cells along the longer side."""
SAMPLES = 4
"""Pixels taken from a cell, along each side."""


def thumbnail(pixels: Codes, raster: Raster) -> NDArray[np.float64]:
    """Linear sRGB [h, w, 3], the longer side about CELLS, of codes [H, W, 3] or [H, W]; a cell is the mean of samples.

    Light below black, a mosaic's noise, stays negative.
    """
    tables = linear_tables(raster)
    height, width = raster.height, raster.width
    step = min(height, width, -(-max(height, width) // CELLS))
    inside = np.unique(np.linspace(0, step - 1, SAMPLES).astype(int))
    rows = (np.arange(0, height - step + 1, step)[:, None] + inside).ravel()
    columns = (np.arange(0, width - step + 1, step)[:, None] + inside).ravel()
    light = samples(pixels, raster, tables, rows, columns)
    each = len(inside)
    return np.asarray(light.reshape(len(rows) // each, each, len(columns) // each, each, 3).mean((1, 3)))


def samples(
    pixels: Codes, raster: Raster, tables: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Linear sRGB where rows and columns cross; a mosaic's pixel stands for the whole quad it lies in."""
    if raster.layout == "rgb":
        return np.asarray(tables[0][pixels[np.ix_(rows, columns)]])
    down, right = red_offset(raster.cfa)
    rows = np.minimum((rows - down).clip(0) // 2 * 2 + down, (raster.height - 2 - down) // 2 * 2 + down)
    columns = np.minimum((columns - right).clip(0) // 2 * 2 + right, (raster.width - 2 - right) // 2 * 2 + right)
    quad = [tables[i][pixels[np.ix_(rows + i // 2, columns + i % 2)]] for i in range(4)]
    camera = np.stack([quad[0], (quad[1] + quad[2]) / 2, quad[3]], -1)
    return np.asarray(camera @ np.array(raster.colour_matrix).reshape(3, 3).T)
