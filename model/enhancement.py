"""The way of one photo through any runtime: ratio, plan, tiles, codes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from model.cfa import window
from model.exposure import exposure_ratio
from model.plan import Codes, Plan, plan
from model.tiles import MARGIN, Tile, least_reading, tiles
from photos.raster import Raster

BUDGET = 320 << 20
"""Bytes a runtime may need at once for a tile, besides its own code and the photo's two buffers."""

Restorer = Callable[[Iterable[Codes]], Iterator[Codes]]
"""Tiles of source codes → tiles of output codes in their order; what is yielded holds until the next is asked for."""


class Runtime(Protocol):
    """What differs between engines: how one tile of codes becomes bright codes."""

    name: str
    bytes_per_pixel: int
    """Peak memory per pixel of a tile, measured."""

    def begin(self, plan: Plan) -> Restorer:
        """A function for the tiles of one photo; it may read ahead, so that copies and computation overlap.

        It takes source codes [h, w, 3] or, for a mosaic that begins on red, [h, w]; h and w are multiples of 16. It
        yields output codes [h, w, 3], uint8 or uint16 as plan.white says.
        """


def enhance_with(
    runtime: Runtime,
    pixels: Codes,
    raster: Raster,
    ratio: float | None,
    out: Codes,
    progress: Callable[[float], None],
    *,
    budget: int = BUDGET,
    side: int | None = None,
) -> float:
    """Fill `out` [H, W, 3] with the enhanced photo; return the exposure ratio used (`ratio`, estimated when None).

    pixels: [H, W, 3] or [H, W] as the raster says, H and W at least 16. `out` is uint8 or uint16. `progress` hears 0…1
    after each tile. Memory does not grow with the photo: see `budget`; or `side`, then all tiles read that and MARGIN
    around it, whatever the photo's size. Raises ValueError for shapes that do not fit.
    """
    check(pixels, raster, ratio, out)
    used = exposure_ratio(pixels, raster) if ratio is None else float(ratio)
    decided = plan(pixels, raster, used, depth=8 * out.dtype.itemsize)
    if raster.grey:
        decided = without_colour(decided)
    restore = runtime.begin(decided)
    down, right = decided.offset
    whole = raster.height + down, raster.width + right
    read = least_reading(*whole, budget // runtime.bytes_per_pixel) if side is None else (side + 2 * MARGIN,) * 2
    parts = list(tiles(*whole, read))
    blocks = (block(pixels, tile, decided.offset) for tile in parts)
    for done, (tile, codes) in enumerate(zip(parts, restore(blocks), strict=True), start=1):
        rows, columns = tile.rows, tile.columns
        top, left = max(rows.write_from, down), max(columns.write_from, right)
        out[top - down : rows.write_to - down, left - right : columns.write_to - right] = codes[
            top - rows.read_from : rows.write_to - rows.read_from,
            left - columns.read_from : columns.write_to - columns.read_from,
        ]
        progress(done / len(parts))
    return used


def block(pixels: Codes, tile: Tile, offset: tuple[int, int]) -> Any:
    """What a tile reads of a picture, [h, w(, 3)], beginning on red, mirrored beyond the ends."""
    down, right = offset
    rows, columns = tile.rows, tile.columns
    return window(
        pixels, rows.read_from - down, rows.read_to - down, columns.read_from - right, columns.read_to - right
    )


def without_colour(decided: Plan) -> Plan:
    """A grey photo stays grey: every colour of the result is blended from all three alike."""
    blend = np.eye(3, dtype=np.float32) if decided.blend is None else decided.blend
    return replace(decided, blend=np.repeat(blend.mean(0, keepdims=True), 3, axis=0))


def check(pixels: Codes, raster: Raster, ratio: float | None, out: Codes) -> None:
    """Raise ValueError, saying what does not fit, before anything is computed."""
    shape = (raster.height, raster.width, 3) if raster.layout == "rgb" else (raster.height, raster.width)
    if pixels.shape != shape or pixels.dtype.itemsize * 8 != raster.depth:
        raise ValueError(
            f"The raster says {shape} of {raster.depth} bits; the buffer is {pixels.shape} {pixels.dtype}."
        )
    if out.shape != (raster.height, raster.width, 3) or out.dtype.str[1:] not in {"u1", "u2"}:
        raise ValueError(f"The result of {shape} does not go into {out.shape} {out.dtype}.")
    if min(raster.height, raster.width) < 16:
        raise ValueError(f"{raster.width}×{raster.height} is too small: both sides must have 16 pixels.")
    if ratio is not None and not 1 <= ratio <= 300:
        raise ValueError(f"An exposure ratio lies between 1 and 300, not {ratio}.")
