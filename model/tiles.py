"""Cutting a picture into overlapping tiles so that memory is bounded and no seam shows.

┌──────────────────┐   read:  every tile reads a rectangle of one size, so a runtime prepares one shape a photo;
│  ┌───────┐       │          it begins even, and may reach beyond a picture's end by less than GRID (mirrored)
│  │ write │       │   write: pieces that partition the picture, at least `margin` away from the rectangle's edge
│  └───────┘ read  │          wherever the picture itself goes on
└──────────────────┘
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

MARGIN = 64
"""Pixels of context on each side. The network could see 120 far; what it does see beyond 64 is bounded by a test."""
GRID = 16
"""What is read begins and ends on multiples of this: three halvings after packing by two, always of the same pixels."""

SMALLEST = 256
"""Pixels on a side that a tile may always read: a quarter of them are its own."""
PER_TILE = 16_384
"""Pixels that could be computed while a tile is begun and ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One side of a tile, in pixels from the picture's origin: what is read, and the part of it that is written."""

    read_from: int
    read_to: int
    write_from: int
    write_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Rows and columns of a tile."""

    rows: Span
    columns: Span


def spans(length: int, read: int, margin: int = MARGIN) -> list[Span]:
    """Pieces of a length ≥ 1, each reading `read`, a multiple of GRID beyond 2·margin, or all when that is less."""
    whole = ceiling(length)
    read = min(read, whole)
    begins = [*range(0, whole - read, max(GRID, read - 2 * margin)), whole - read]
    seams = [begin + margin for begin in begins[1:]]
    return [
        Span(read_from=begin, read_to=begin + read, write_from=first, write_to=last)
        for begin, first, last in zip(begins, [0, *seams], [*seams, length], strict=True)
    ]


def reading(length: int, count: int, margin: int = MARGIN) -> int:
    """What each of `count` pieces of a length must read."""
    return min(ceiling(length), ceiling(-(-(ceiling(length) + 2 * margin * (count - 1)) // count)))


def ceiling(length: int) -> int:
    """The next multiple of GRID."""
    return -(-length // GRID) * GRID


def tiles(height: int, width: int, read: tuple[int, int], margin: int = MARGIN) -> Iterator[Tile]:
    """Tiles of a picture, row by row, each reading rows × columns as `read` says; see `spans`."""
    columns = spans(width, read[1], margin)
    for rows in spans(height, read[0], margin):
        for span in columns:
            yield Tile(rows=rows, columns=span)


def least_reading(height: int, width: int, pixels: int) -> tuple[int, int]:
    """(Rows, columns) a tile should read, at most `pixels` or SMALLEST², so that all together read least."""
    pixels = max(pixels, SMALLEST**2)

    def total(counts: tuple[int, int]) -> tuple[int, int]:
        read = reading(height, counts[0]) * reading(width, counts[1])
        return counts[0] * counts[1] * (read + PER_TILE) if read <= pixels else sys.maxsize, read

    most = [-(-ceiling(length) // (SMALLEST - 2 * MARGIN)) for length in (height, width)]
    down, across = min(product(range(1, most[0] + 1), range(1, most[1] + 1)), key=total)
    return reading(height, down), reading(width, across)


def tile_side(budget: int, bytes_per_pixel: int) -> int:
    """The largest written side, a multiple of GRID, whose tile a runtime can hold in `budget` bytes; at least 128."""
    whole = int((budget / bytes_per_pixel) ** 0.5)
    return max(128, (whole - 2 * MARGIN) // GRID * GRID)
