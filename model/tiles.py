"""Cutting a picture into overlapping tiles so that memory is bounded and no seam shows.

┌──────────────────┐   read:  every tile reads a rectangle of one size, so a runtime prepares one shape a photo;
│  ┌───────┐       │          it begins even, and may reach beyond a picture's end by less than GRID (mirrored)
│  │ write │       │   write: pieces that partition the picture, at least `margin` away from the rectangle's edge
│  └───────┘ read  │          wherever the picture itself goes on
└──────────────────┘
"""

from collections.abc import Iterator
from dataclasses import dataclass

MARGIN = 64
"""Pixels of context on each side. The network could see 120 far; what it does see beyond 64 is bounded by a test."""
GRID = 16
"""What is read begins and ends on multiples of this: three halvings after packing by two, always of the same pixels."""


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


def spans(length: int, side: int, margin: int = MARGIN, *, same: bool = False) -> list[Span]:
    """Pieces of a length ≥ 1, writing at most `side`, reading `margin` more at both ends; both multiples of GRID.

    `same`: every length of at least side + 2·margin is read in pieces of just that, for runtimes that tune to a shape.
    """
    count = max(1, -(-length // side))
    step = ceiling(-(-length // count))
    read = min(ceiling(length), (side if same else step) + 2 * margin)
    last = ceiling(length) - read
    return [
        Span(
            read_from=(begin := min(max(0, start - margin), last)),
            read_to=begin + read,
            write_from=start,
            write_to=min(length, start + step),
        )
        for start in range(0, length, step)
    ]


def ceiling(length: int) -> int:
    """The next multiple of GRID."""
    return -(-length // GRID) * GRID


def tiles(height: int, width: int, side: int, margin: int = MARGIN, *, same: bool = False) -> Iterator[Tile]:
    """Tiles of a picture, row by row; see `spans`."""
    columns = spans(width, side, margin, same=same)
    for rows in spans(height, side, margin, same=same):
        for span in columns:
            yield Tile(rows=rows, columns=span)


def tile_side(budget: int, bytes_per_pixel: int) -> int:
    """The largest written side, a multiple of GRID, whose tile a runtime can hold in `budget` bytes; at least 128."""
    whole = int((budget / bytes_per_pixel) ** 0.5)
    return max(128, (whole - 2 * MARGIN) // GRID * GRID)
