"""Raw converters as people use them: LibRaw's demosaicing and noise reduction, a denoiser on top, many strengths.

LibRaw's wavelet threshold is not among them: in the LibRaw 0.22.2 of rawpy's wheels it writes past its memory
(github.com/LibRaw/LibRaw/issues/842). Neither is BM3D, whose licence forbids it. Total variation and OpenCV's non-local
means stand in.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import rawpy
from numpy.typing import NDArray
from skimage.restoration import denoise_tv_chambolle

from bench.raw_camera import BLACK, NEUTRAL, WHITE

Encoded = NDArray[np.float32]
"""Colours 0…1 [H, W, 3], gained, on the sRGB curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Develop:
    """How LibRaw makes colours of a mosaic.

    pedestal: counts below black that are kept until after demosaicing. LibRaw cuts noise at black, which veils shadows;
    a careful user lowers its black level and subtracts the rest afterwards.
    """

    demosaic: Literal["AHD", "DCB"]
    fbdd: bool
    pedestal: int

    @property
    def name(self) -> str:
        """For tables."""
        return self.demosaic + " FBDD" * self.fbdd + " pedestal" * (self.pedestal > 0)

    def light(self, photo: bytes) -> NDArray[np.float64]:
        """White-balanced camera colours, linear, not gained: 1 is saturation."""
        algorithm = rawpy.DemosaicAlgorithm.AHD if self.demosaic == "AHD" else rawpy.DemosaicAlgorithm.DCB
        reduction = rawpy.FBDDNoiseReductionMode.Full if self.fbdd else rawpy.FBDDNoiseReductionMode.Off
        span = WHITE - BLACK + self.pedestal
        with rawpy.imread(io.BytesIO(photo)) as raw:
            developed = raw.postprocess(
                demosaic_algorithm=algorithm,
                fbdd_noise_reduction=reduction,
                use_camera_wb=True,
                output_color=rawpy.ColorSpace.raw,
                output_bps=16,
                gamma=(1, 1),
                no_auto_bright=True,
                adjust_maximum_thr=0.0,
                user_black=BLACK - self.pedestal,
                user_sat=span,
            )
        balance = NEUTRAL.max() / NEUTRAL
        return np.asarray((developed / 65535 * span - balance * self.pedestal) / (WHITE - BLACK))


def bilateral(sigma: float) -> Callable[[Encoded], Encoded]:
    """OpenCV's, 9 pixels wide."""
    return lambda picture: np.asarray(cv2.bilateralFilter(picture, 9, sigma / 255, 5), np.float32)


def non_local(strength: float) -> Callable[[Encoded], Encoded]:
    """OpenCV's non-local means for colours, which works on 8 bits."""

    def finish(picture: Encoded) -> Encoded:
        codes = (255 * picture).round().astype(np.uint8)
        smooth = cv2.fastNlMeansDenoisingColored(codes, None, strength, strength, 5, 11)
        return np.asarray(smooth / np.float32(255), np.float32)

    return finish


def total_variation(weight: float) -> Callable[[Encoded], Encoded]:
    """scikit-image's (Chambolle)."""
    return lambda picture: np.asarray(denoise_tv_chambolle(picture, weight=weight, channel_axis=-1), np.float32)


DEVELOPS = tuple(
    Develop(demosaic=demosaic, fbdd=fbdd, pedestal=pedestal)
    for demosaic in ("AHD", "DCB")
    for fbdd, pedestal in ((False, 0), (False, 256), (True, 0))
)
FINISHES: dict[str, Callable[[Encoded], Encoded]] = {
    "no denoiser": lambda picture: picture,
    "bilateral 40": bilateral(40),
    "bilateral 80": bilateral(80),
    "bilateral 120": bilateral(120),
    "bilateral 160": bilateral(160),
    "non-local means 20": non_local(20),
    "total variation 0.1": total_variation(0.1),
    "total variation 0.2": total_variation(0.2),
}
