"""The exposure ratio a photo asks for, estimated from a thumbnail in linear light when nobody names one.

The mean of the finished picture is brought to a target by bisection through the tone curve itself, so highlights that
the curve holds back do not count as if they were blown. The target falls with the distance from the median to the
highlights: an evenly dark room (under 2 stops) wants the brightness of a room, 0.47; a street at night, lamps 7 stops
above everything, stays a night, 0.25. Both ends were chosen by eye and on LOL's bright halves, whose means lie at
0.22…0.62 (median 0.45). Pixels that hold less than two steps of the source's codes are not counted: there is nothing
in them to bring to light, and lifting them turns a JPEG's black into green blocks.
"""

import numpy as np
from numpy.typing import NDArray

from model.cfa import red_offset
from model.light import encode
from model.plan import Codes, linear_tables
from model.tone import toned
from photos.raster import Raster

SMALLEST, LARGEST = 1.0, 300.0
ROOM, NIGHT = 0.47, 0.25
"""Target mean, encoded, of an evenly lit and of a lamp-lit photo."""
EVEN_STOPS, LAMP_STOPS = 2.0, 7.0
CELLS = 256
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear sRGB (IEC 61966-2-1)."""
STEPS_OF_NOTHING = 1.6
"""Source steps above black, as linear light, up to which a cell counts as black."""
FEWEST = 0.02
"""The share of cells that must hold something; else the brightest such share is taken."""


def thumbnail(pixels: Codes, raster: Raster) -> NDArray[np.float64]:
    """Linear luminance [h, w], sides about CELLS, of codes [H, W, 3] or [H, W]; a cell is the mean of 16 samples."""
    tables = linear_tables(raster)
    height, width = raster.height, raster.width
    step = min(height, width, -(-max(height, width) // CELLS))
    total: NDArray[np.float64] | float = 0.0
    offsets = sorted({int(part) for part in np.linspace(0, step - 1, 4)})
    for down in offsets:
        for right in offsets:
            rows = np.arange(0, height - step + 1, step) + down
            columns = np.arange(0, width - step + 1, step) + right
            total = total + luminance(pixels, raster, tables, rows, columns)
    return np.asarray(total / len(offsets) ** 2)


def luminance(
    pixels: Codes, raster: Raster, tables: NDArray[np.float64], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Linear luminance at crossing rows and columns; a mosaic's pixel stands for the whole quad it lies in."""
    if raster.layout == "rgb":
        return np.asarray(tables[0][pixels[np.ix_(rows, columns)]] @ LUMINANCE)
    down, right = red_offset(raster.cfa)
    rows = np.minimum((rows - down).clip(0) // 2 * 2 + down, (raster.height - 2 - down) // 2 * 2 + down)
    columns = np.minimum((columns - right).clip(0) // 2 * 2 + right, (raster.width - 2 - right) // 2 * 2 + right)
    quad = [tables[i][pixels[np.ix_(rows + i // 2, columns + i % 2)]] for i in range(4)]
    camera = np.stack([quad[0], (quad[1] + quad[2]) / 2, quad[3]], -1)
    return np.asarray(camera @ np.array(raster.colour_matrix).reshape(3, 3).T @ LUMINANCE)


def wanted_mean(light: NDArray[np.float64]) -> float:
    """The mean, encoded, that a picture of this light should have."""
    middle, high = np.percentile(light, [50, 99.5])
    stops = np.log2(max(high / middle, 1.0))
    return float(np.interp(stops, [EVEN_STOPS, LAMP_STOPS], [ROOM, NIGHT]))


def smallest_step(raster: Raster) -> float:
    """Linear light of the first code above black."""
    if raster.layout == "mosaic":
        return 1 / (raster.white - min(raster.black))
    return float(linear_tables(raster)[0][1])


def estimate_ratio(light: NDArray[np.float64], step: float) -> float:
    """Exposure ratio 1…300 for a picture of linear luminance `light`, its source's codes being `step` apart at black.

    1 for a picture already bright, and for one that is black all over.
    """
    floor = min(STEPS_OF_NOTHING * step, float(np.quantile(light, 1 - FEWEST)))
    light = light[light > max(floor, 0.0)]
    if light.size == 0:
        return SMALLEST
    target = wanted_mean(light)
    low, high = SMALLEST, LARGEST
    if toned(encode(low * light), low).mean() >= target:
        return low
    for _ in range(24):
        middle = float(np.sqrt(low * high))
        if toned(encode(middle * light), middle).mean() < target:
            low = middle
        else:
            high = middle
    return high


def exposure_ratio(pixels: Codes, raster: Raster) -> float:
    """The ratio for `auto`, 1…300, rounded to three digits as it is shown to people."""
    return float(f"{estimate_ratio(thumbnail(pixels, raster), smallest_step(raster)):.3g}")
