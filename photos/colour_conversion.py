"""Turn codes that no result can keep, because of their curve or their table, into codes with the sRGB curve.

By curves and a matrix: at 16 bits whatever the source had, for a linear or a steep curve would lose shadows at 8.
By look-up tables (print colours, scanners): by LittleCMS, which has 8 bits here, relative colorimetric with black point
compensation as image editors do it. Both go band by band, so that no second picture lies in memory.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from photos.colour_space import SPACES, Numbers, codes
from photos.icc_reading import Curve

Codes = NDArray[Any]  # uint8 or uint16

_ROWS = 64
_FINE = 1 << 20  # steps of light: less than one 16-bit code each, even at black, where codes are steepest


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveConversion:
    """codes → curves → matrix [3, 3] (none for grey) → clip 0…1 → sRGB curve, 16 bits."""

    curves: tuple[Curve, ...]
    matrix: Numbers | None = None

    def fill(self, source: Codes, into: Codes) -> None:
        """`source` is [H, W] grey or [H, W, 3]; `into` is [H, W, 3] uint16."""
        top = np.iinfo(source.dtype).max
        places = np.linspace(0, 1, top + 1)
        tables = [np.clip(curve(places), 0, 1).astype(np.float32) for curve in self.curves]
        encoded = np.rint(codes(SPACES["srgb"], np.linspace(0, 1, _FINE)) * 65535).astype(np.uint16)
        for rows in _bands(len(source)):
            band = source[rows]
            if self.matrix is None:
                into[rows] = encoded[_steps(tables[0][band])][..., None]
            else:
                light = np.stack([tables[at][band[..., at]] for at in range(3)], -1)
                into[rows] = encoded[_steps(light @ self.matrix.T.astype(np.float32))]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConversion:
    """codes → LittleCMS → sRGB, 8 bits. mode: Pillow's name of the source's codes, RGB or CMYK."""

    transform: ImageCms.ImageCmsTransform
    mode: str

    def fill(self, source: Codes, into: Codes) -> None:
        """`source` is [H, W, 3], or [H, W, 4] CMYK; `into` is [H, W, 3] uint8."""
        for rows in _bands(len(source)):
            band = source[rows] if source.dtype == np.uint8 else (source[rows] >> 8).astype(np.uint8)
            size = (source.shape[1], len(band))
            picture = Image.frombuffer(self.mode, size, band.tobytes(), "raw", self.mode, 0, 1)
            into[rows] = np.asarray(self.transform.apply(picture))


Conversion = CurveConversion | TableConversion


def table_conversion(profile: bytes, mode: str) -> TableConversion | None:
    """The conversion by a profile's look-up tables, or None if LittleCMS can make nothing of them."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.ImageCmsTransform(
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None
    return TableConversion(transform=transform, mode=mode)


def _steps(light: NDArray[np.float32]) -> NDArray[np.intp]:
    """Light as places of a table of _FINE steps."""
    return np.asarray(np.rint(np.clip(light, 0, 1) * np.float32(_FINE - 1)), np.intp)


def _bands(height: int) -> Iterator[slice]:
    return (slice(top, min(top + _ROWS, height)) for top in range(0, height, _ROWS))
