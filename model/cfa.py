"""Any Bayer order as RGGB: the picture is continued by a mirrored row or column until it begins on a red pixel."""

import numpy as np
from numpy.typing import NDArray

RED_AT = {"RGGB": (0, 0), "GRBG": (0, 1), "GBRG": (1, 0), "BGGR": (1, 1)}
"""(row, column) of the red pixel in the 2×2 at the buffer's origin."""


def red_offset(cfa: str | None) -> tuple[int, int]:
    """(rows, columns) to add above and left of a buffer so that it begins on red; (0, 0) for a picture without CFA."""
    return RED_AT[cfa] if cfa is not None else (0, 0)


def window(pixels: NDArray[np.generic], top: int, bottom: int, left: int, right: int) -> NDArray[np.generic]:
    """Rows top…bottom and columns left…right of [H, W(, 3)], mirrored where they lie outside; a contiguous copy.

    The mirror stands *on* the edge pixels, which keeps the parity of every distance and so the CFA order. At most H − 1
    rows and W − 1 columns may lie outside.
    """
    height, width = pixels.shape[:2]
    inside = pixels[max(top, 0) : min(bottom, height), max(left, 0) : min(right, width)]
    widths = [(max(-top, 0), max(bottom - height, 0)), (max(-left, 0), max(right - width, 0))]
    if any(sum(pair) for pair in widths):
        return np.pad(inside, widths + [(0, 0)] * (pixels.ndim - 2), mode="reflect")
    return np.array(inside, order="C")
