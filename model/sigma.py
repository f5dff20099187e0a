"""How noisy a photo is: one number from the finest diagonal detail, rich in noise and poor in picture."""

import numpy as np
from numpy.typing import NDArray

TRIM = 0.75
"""The share of the smallest details that is believed; the rest may be edges."""
TRIMMED_MEAN_OF_NORMAL = 0.5147
"""Mean of |z| over the smallest 75 % of a standard normal: 2(φ(0) − φ(1.1503))/0.75."""
ENOUGH = 60_000


def noise_sigma(planes: NDArray[np.float32]) -> float:
    """Standard deviation of the noise in encoded planes [C, h, w], from 2×2 Haar diagonals.

    A trimmed mean, not a median: 8-bit codes of a dark photo take so few values that a median sticks to one of them.
    """
    _, height, width = planes.shape
    even = planes[:, : height // 2 * 2, : width // 2 * 2]
    detail = (even[:, ::2, ::2] - even[:, ::2, 1::2] - even[:, 1::2, ::2] + even[:, 1::2, 1::2]) / 2
    size = np.abs(detail.ravel())
    size = np.sort(size[:: max(1, size.size // ENOUGH)])
    return float(size[: max(1, int(TRIM * size.size))].mean() / TRIMMED_MEAN_OF_NORMAL)
