"""Dark photos with their bright references: real ones from a folder, synthetic ones from free photos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.free_photos import free_photos
from bench.metrics import LUMA
from bench.night_camera import clean_night, night
from bench.yardsticks import GainOnly
from model.engine import Engine
from model.light import decode
from model.plan import Codes
from photos.raster import Raster

Picture = NDArray[np.uint8]
GAINS = 120.0, 180.0, 250.0
"""Of the synthetic pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A dark photo and what it should become, [H, W, 3] both.

    gain: how much more light the reference has. ratio: the exposure ratio to use, None lets `auto` estimate it.
    """

    name: str
    dark: Picture
    bright: Picture
    gain: float
    ratio: float | None


def rgb8(path: Path) -> Picture:
    """An 8-bit picture, [H, W, 3]."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def enhanced(engine: Engine, dark: Codes, ratio: float | None = None) -> Picture:
    """A picture of 8-bit or 16-bit sRGB codes through an engine, 8 bits."""
    depth = dark.dtype.itemsize * 8
    assert depth in {8, 16}
    raster = Raster(
        layout="rgb",
        width=dark.shape[1],
        height=dark.shape[0],
        depth=8 if depth == 8 else 16,
        curve="srgb",
        white=float((1 << depth) - 1),
    )
    out = np.empty(dark.shape, np.uint8)
    engine.enhance(dark, raster, ratio, out, lambda _: None)
    return out


def real_pairs(folder: Path, *, oracle: bool) -> list[Pair]:
    """`low/` and `high/` with equal names; with `oracle`, the ratio that gives plain gain the reference's mean."""
    pairs = []
    for path in sorted((folder / "low").iterdir()):
        if not (folder / "high" / path.name).exists():
            continue
        dark, bright = rgb8(path), rgb8(folder / "high" / path.name)
        gain = float((decode(bright / 255) @ LUMA).mean() / max((decode(dark / 255) @ LUMA).mean(), 1e-9))
        ratio = matching_ratio(dark, bright) if oracle else None
        pairs.append(Pair(name=path.stem, dark=dark, bright=bright, gain=gain, ratio=ratio))
    return pairs


def matching_ratio(dark: Picture, bright: Picture) -> float:
    """The ratio 1…300 at which plain gain has the reference's mean, by bisection; the whole picture sets the look."""
    low, high = 1.0, 300.0
    for _ in range(10):
        middle = float(np.sqrt(low * high))
        if enhanced(GainOnly(), dark, middle).mean() < bright.mean():
            low = middle
        else:
            high = middle
    return high


def synthetic_pairs() -> list[Pair]:
    """Free photos through the night camera; the reference is the same night, same exposure and tone, had it no noise.

    Not the photo itself: tone, saturation and white balance are judged elsewhere.
    """
    random = np.random.default_rng(7)
    return [
        Pair(
            name=f"{name} ÷{gain:.0f}",
            dark=night(photo, gain, random),
            bright=enhanced(GainOnly(), clean_night(photo, gain), gain),
            gain=gain,
            ratio=gain,
        )
        for name, photo in free_photos().items()
        for gain in GAINS
    ]
