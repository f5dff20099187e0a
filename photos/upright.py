"""Turn stored pixels so that row 0 is the top of the scene."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TRANSPOSED = frozenset({5, 6, 7, 8})
# orientation → OpenCV's flip after the transposition, if any: 0 upside down, 1 mirrored, -1 both
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


def upright(image: NDArray[Any], orientation: int) -> NDArray[Any]:
    """[H, W] or [H, W, C] turned as EXIF orientation 1…8 asks; `image` itself for 1."""
    turned = np.asarray(cv2.transpose(image)) if orientation in TRANSPOSED else image
    return np.asarray(cv2.flip(turned, _FLIPS[orientation])) if orientation in _FLIPS else turned
