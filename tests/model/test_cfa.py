"""Mirroring keeps colours where a Bayer sensor has them."""

import numpy as np
import pytest

from model.cfa import RED_AT, red_offset, window


@pytest.mark.parametrize("cfa", sorted(RED_AT))
def test_a_mirrored_mosaic_is_still_a_mosaic_that_begins_on_red(cfa):
    mosaic = np.tile(np.array([ord(letter) for letter in cfa], np.uint16).reshape(2, 2), (9, 10))[:17, :19]
    down, right = red_offset(cfa)
    framed = window(mosaic, -down, 32 - down, -right, 32 - right)
    expected = np.tile(np.array([ord(letter) for letter in "RGGB"], np.uint16).reshape(2, 2), (16, 16))
    assert (framed == expected).all()


def test_a_window_inside_is_the_picture_itself():
    picture = np.arange(600, dtype=np.uint8).reshape(20, 10, 3)
    assert (window(picture, 2, 10, 4, 8) == picture[2:10, 4:8]).all()
