"""Everything the runtimes need to know of one photo, decided before the first tile: tables, conditions, colour."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.cfa import red_offset
from model.exposure import exposure_look
from model.light import encode
from model.linear import Codes, linear_tables
from model.network_range import INPUT_LOW
from model.sigma import noise_sigma
from model.tone import brightest, tone_table
from photos.raster import Raster

__all__ = ["Codes", "Plan", "developed", "plan"]


LIMIT = 3.0
"""Standard deviations of the noise by which a value of an sRGB photo may be changed: what differs from its surroundings
by more is no noise. Without it a network trained for two hours wiped whole fan grilles and book spines into fog. A
mosaic has no limit, since its restoration includes the demosaic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How one photo is enhanced.

    source: [3, levels] source code of R, G, B → encoded light, gained; for a mosaic [4, levels], a row per position
        of RGGB.
    conditions: [2] what the network is told, log2(ratio)/8 and 4·sigma of the noise.
    strength: 0…1, the share of the restoration that is applied.
    matrix: [3, 3] white-balanced camera colours → linear sRGB, None when the codes are sRGB already.
    tone: [entries] output codes, not rounded, of encoded light evenly spaced over 0…top.
    offset: (rows, columns) to add above and left of the buffer so that a mosaic begins on red.
    white: the largest output code, 255 or 65535.
    blend: [3, 3] out of (rows) restored encoded colours, after `matrix` and just before `tone`; None is the identity.
        It carries saturation and the repair of a colour cast; each row sums up to what grey becomes.
    limit: the largest change of an encoded value that the restoration may make, before `strength`.
    """

    layout: Literal["rgb", "mosaic"]
    ratio: float
    source: NDArray[np.float32]
    conditions: NDArray[np.float32]
    strength: float
    matrix: NDArray[np.float32] | None
    tone: NDArray[np.float32]
    top: float
    offset: tuple[int, int]
    white: int
    blend: NDArray[np.float32] | None = None
    limit: float = math.inf


def sample_planes(pixels: Codes, raster: Raster, source: NDArray[np.float32]) -> NDArray[np.float32]:
    """A few hundred thousand encoded values for the noise estimate: bands of the photo, packed as for the network."""
    down, right = red_offset(raster.cfa)
    body = pixels[down:, right:]
    height, width = body.shape[0] // 4 * 4, body.shape[1] // 4 * 4
    band = max(4, min(height, 400_000 // max(width, 1) // 8 // 4 * 4))
    starts = sorted({int(start) // 4 * 4 for start in np.linspace(0, height - band, 8)})
    parts = np.concatenate([body[start : start + band, :width] for start in starts])
    if raster.layout == "mosaic":
        quads = [parts[::2, ::2], parts[::2, 1::2], parts[1::2, ::2], parts[1::2, 1::2]]
        return np.stack([table[quad] for table, quad in zip(source, quads, strict=True)])
    encoded = developed(parts, source)
    return np.concatenate([encoded[row::2, column::2].transpose(2, 0, 1) for row in (0, 1) for column in (0, 1)])


def developed(codes: Codes, source: NDArray[np.float32]) -> NDArray[np.float32]:
    """Codes [..., 3] → encoded light [..., 3], each colour by its own table."""
    return np.stack([table[codes[..., colour]] for colour, table in enumerate(source)], -1)


def strength(raster: Raster, ratio: float) -> float:
    """How much restoration a photo gets, 0…1: all from a ratio of 4 on, none at 1, where it shall come back as it is.

    Noise that nobody amplified is the photo's own look. A mosaic always gets all: restoring it includes the demosaic.
    """
    return 1.0 if raster.layout == "mosaic" else float(min(1.0, np.log2(ratio) / 2))


def plan(pixels: Codes, raster: Raster, ratio: float, depth: int) -> Plan:
    """The plan for codes [H, W, 3] or [H, W], a ratio 1…300, and results of 8 or 16 bits."""
    look = exposure_look(pixels, raster, ratio)
    light = linear_tables(raster)
    if raster.layout == "rgb":
        light = light + look.lift[:, None]
    source = np.maximum(encode(ratio * light), INPUT_LOW).astype(np.float32)
    sigma = noise_sigma(sample_planes(pixels, raster, source))
    white = (1 << depth) - 1
    matrix = np.array(raster.colour_matrix, np.float32).reshape(3, 3) if raster.layout == "mosaic" else None
    return Plan(
        layout=raster.layout,
        ratio=ratio,
        source=source,
        conditions=np.array([np.log2(ratio) / 8, min(2.0, 4 * sigma)], np.float32),
        strength=strength(raster, ratio),
        matrix=matrix,
        tone=tone_table(ratio, white, look.contrast),
        top=brightest(ratio),
        offset=red_offset(raster.cfa),
        white=white,
        blend=look.blend,
        limit=LIMIT * sigma if raster.layout == "rgb" else math.inf,
    )
