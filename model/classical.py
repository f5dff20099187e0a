"""The classical engine: the same exposure and tone, and OpenCV's bilateral filter in place of the network."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from model.enhancement import Restorer, enhance_with
from model.light import decode, encode
from model.plan import Codes, Plan, developed
from photos.raster import Raster

DIAMETER, COLOUR_SIGMA, SPACE_SIGMA = 7, 40 / 255, 5
"""Of the bilateral filter; the colour sigma is for noise of at least NOISY, and less for a cleaner photo."""
NOISY = 0.015
BELOW = 0.5
"""How far below black a mosaic's noise is kept while OpenCV, which wants uint16, demosaics."""


class ClassicalEngine:
    """Fallback where no runtime for the network is installed, and the yardstick that the network must beat."""

    name = "classical"
    bytes_per_pixel = 120

    def __init__(self, *, reason: str, threads: int | None) -> None:
        self.reason = reason
        if threads is not None:
            cv2.setNumThreads(threads)

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`."""
        return enhance_with(self, pixels, raster, ratio, out, progress)

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        colour_sigma = COLOUR_SIGMA * plan.strength * min(1.0, float(plan.conditions[1]) / 4 / NOISY)
        entries = np.linspace(0, plan.top, len(plan.tone), dtype=np.float32)
        kind = np.uint8 if plan.white == 255 else np.uint16

        def restore(block: Codes) -> Codes:
            encoded = developed(block, plan.source) if plan.matrix is None else demosaiced(block, plan, plan.matrix)
            if plan.blend is not None:
                encoded = encoded @ plan.blend.T
            toned = np.interp(encoded, entries, plan.tone / plan.white).astype(np.float32)
            if colour_sigma > 0:
                toned = cv2.bilateralFilter(toned, DIAMETER, colour_sigma, SPACE_SIGMA)
            return np.asarray((toned * plan.white).round().clip(0, plan.white).astype(kind))

        return lambda blocks: map(restore, blocks)


def demosaiced(block: Codes, plan: Plan, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """RGGB codes [h, w] → encoded sRGB [h, w, 3], edges followed."""
    encoded = np.empty(block.shape, np.float32)
    for position, table in enumerate(plan.source):
        encoded[position // 2 :: 2, position % 2 :: 2] = table[block[position // 2 :: 2, position % 2 :: 2]]
    scale = 65535 / (plan.top + BELOW)
    counts = ((encoded.clip(-BELOW, plan.top) + BELOW) * scale).round().astype(np.uint16)
    camera = cv2.demosaicing(counts, cv2.COLOR_BayerRGGB2RGB_EA).astype(np.float32) / scale - BELOW
    return encode(decode(camera) @ matrix.T.astype(np.float64)).astype(np.float32)
