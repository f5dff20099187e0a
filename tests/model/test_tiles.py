"""Tiles cover a picture exactly once, and see far enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.tiles import GRID, MARGIN, SMALLEST, ceiling, least_reading, spans, tile_side, tiles

lengths = st.integers(16, 3000)
margins = st.integers(0, 8).map(lambda margin: margin * GRID)
reads = st.integers(17, 150).map(lambda read: read * GRID)


@given(lengths, lengths, reads, reads, margins)
def test_every_pixel_is_written_once(height, width, rows, columns, margin):
    written = np.zeros((height, width), np.int8)
    for tile in tiles(height, width, (rows, columns), margin):
        written[tile.rows.write_from : tile.rows.write_to, tile.columns.write_from : tile.columns.write_to] += 1
    assert (written == 1).all()


@given(lengths, reads, margins)
def test_every_tile_reads_one_size_on_the_grid_and_sees_its_margin(length, read, margin):
    pieces = spans(length, read, margin)
    assert {piece.read_to - piece.read_from for piece in pieces} == {min(read, ceiling(length))}
    for piece in pieces:
        assert piece.read_from % GRID == 0
        assert piece.read_from >= 0
        assert piece.read_from <= max(0, piece.write_from - margin)
        assert piece.read_to >= min(length, piece.write_to + margin)
        assert piece.read_to - length < GRID


@given(lengths, lengths, st.integers(1, 4_000_000))
def test_a_tile_stays_within_its_pixels_and_is_no_larger_than_the_photo(height, width, pixels):
    rows, columns = least_reading(height, width, pixels)
    assert rows % GRID == columns % GRID == 0
    assert rows * columns <= max(pixels, SMALLEST**2)
    assert rows <= ceiling(height)
    assert columns <= ceiling(width)
    assert all(part.rows.write_to > part.rows.write_from for part in tiles(height, width, (rows, columns)))


def test_a_photo_that_fits_is_one_tile():
    assert least_reading(1000, 2000, 2_100_000) == (1008, 2000)


def test_tiles_are_cut_where_least_is_read_twice():
    rows, columns = least_reading(4000, 6000, 4_500_000)
    parts = list(tiles(4000, 6000, (rows, columns)))
    assert len(parts) == 6
    assert len(parts) * rows * columns < 1.1 * 4000 * 6000


def test_a_tile_grows_with_the_budget_but_never_below_a_useful_size():
    assert tile_side(1, 100) == 128
    assert tile_side(400 << 20, 100) > tile_side(100 << 20, 100) > 128
    assert tile_side(1, 100) + 2 * MARGIN == SMALLEST
