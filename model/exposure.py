"""The exposure ratio and the look that a photo asks for, when nobody names a ratio and when somebody does."""

from model.exposure_head import Look, load_head, wanted_look, wanted_ratio
from model.impression import Impression, impression
from model.linear import Codes, smallest_step
from model.thumbnail import thumbnail
from photos.raster import Raster


def glance(pixels: Codes, raster: Raster) -> Impression:
    """What a thumbnail tells of codes [H, W, 3] or [H, W]."""
    return impression(thumbnail(pixels, raster), smallest_step(raster), linear=raster.curve == "linear")


def exposure_ratio(pixels: Codes, raster: Raster) -> float:
    """The ratio for `auto`, 1…300, rounded to three digits as it is shown to people."""
    return float(f"{wanted_ratio(glance(pixels, raster), load_head()):.3g}")


def exposure_look(pixels: Codes, raster: Raster, ratio: float) -> Look:
    """Contrast, colour and lift for a gain of `ratio`, whoever named it; at 1 they change nothing."""
    return wanted_look(glance(pixels, raster), ratio, load_head())
