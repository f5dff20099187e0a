"""What a network must beat: the picture with its exposure and tone but its noise, as it is or bilaterally filtered."""

from collections.abc import Callable

import cv2
import numpy as np

from model.classical import demosaiced
from model.enhancement import Restorer, enhance_with
from model.plan import Codes, Plan, developed
from photos.raster import Raster

DIAMETER, COLOUR_SIGMA, SPACE_SIGMA = 7, 40, 5
"""Of the bilateral filter, the same for every photo; the classical engine adapts them to the noise."""


class GainOnly:
    """The picture with its exposure and tone, and its noise."""

    name = "auto-gain"
    reason = "the first yardstick"
    bytes_per_pixel = 120

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`."""
        return enhance_with(self, pixels, raster, ratio, out, progress)

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        entries = np.linspace(0, plan.top, len(plan.tone))
        kind = np.uint8 if plan.white == 255 else np.uint16

        def restore(block: Codes) -> Codes:
            encoded = developed(block, plan.source) if plan.matrix is None else demosaiced(block, plan, plan.matrix)
            if plan.blend is not None:
                encoded = encoded @ plan.blend.T
            return np.asarray(np.interp(encoded, entries, plan.tone).round().astype(kind))

        return lambda blocks: map(restore, blocks)


class Bilateral(GainOnly):
    """The same through OpenCV's bilateral filter; 8-bit results only."""

    name = "auto-gain + bilateral"
    reason = "the second yardstick"

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        gained = super().begin(plan)
        return lambda blocks: (
            np.asarray(cv2.bilateralFilter(codes, DIAMETER, COLOUR_SIGMA, SPACE_SIGMA)) for codes in gained(blocks)
        )
