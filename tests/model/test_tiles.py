"""Tiles cover a picture exactly once, and see far enough."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.tiles import GRID, spans, tile_side, tiles

lengths = st.integers(16, 3000)
sides = st.integers(8, 150).map(lambda side: side * GRID)
margins = st.integers(0, 8).map(lambda margin: margin * GRID)


@given(lengths, lengths, sides, margins)
def test_every_pixel_is_written_once(height, width, side, margin):
    written = np.zeros((height, width), np.int8)
    for tile in tiles(height, width, side, margin):
        written[tile.rows.write_from : tile.rows.write_to, tile.columns.write_from : tile.columns.write_to] += 1
    assert (written == 1).all()


@given(lengths, sides, margins)
def test_every_tile_reads_one_size_on_the_grid_and_sees_its_margin(length, side, margin):
    pieces = spans(length, side, margin)
    assert len({piece.read_to - piece.read_from for piece in pieces}) == 1
    for piece in pieces:
        assert (piece.read_to - piece.read_from) % GRID == 0
        assert piece.read_from % GRID == 0
        assert piece.read_from >= 0
        assert piece.read_from <= max(0, piece.write_from - margin)
        assert piece.read_to >= min(length, piece.write_to + margin)
        assert piece.read_to - length < GRID


def test_a_tile_grows_with_the_budget_but_never_below_a_useful_size():
    assert tile_side(1, 100) == 128
    assert tile_side(400 << 20, 100) > tile_side(100 << 20, 100) > 128
