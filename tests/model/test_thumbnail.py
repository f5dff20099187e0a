"""A thumbnail holds the light of the photo, whatever its shape and whatever the sensor's order."""

import numpy as np
import pytest

from model.light import decode
from model.linear import smallest_step
from model.thumbnail import CELLS, thumbnail
from tests.model.conftest import mosaic_raster, rgb_raster


@pytest.mark.parametrize(("height", "width"), [(16, 5000), (5000, 16), (16, 16), (300, 257)])
def test_a_thumbnail_has_the_photos_light_whatever_its_shape(height, width):
    codes = np.full((height, width, 3), 100, np.uint8)
    assert np.allclose(thumbnail(codes, rgb_raster(height, width)), decode(100 / 255))


def test_a_thumbnail_is_small_and_shows_things_where_they_are():
    codes = np.zeros((1200, 1800, 3), np.uint8)
    codes[:600, :900] = 200
    light = thumbnail(codes, rgb_raster(1200, 1800))
    assert max(light.shape[:2]) <= CELLS
    assert light[0, 0, 0] > 0.5
    assert light[-1, -1, 0] == 0


def test_a_mosaic_and_the_picture_it_shows_have_the_same_thumbnail():
    linear = np.full((64, 96), 0.01)
    raster = mosaic_raster(64, 96, "GBRG", black=(500.0, 520.0, 510.0, 530.0))
    mosaic = np.empty((64, 96))
    for position, colour in enumerate("GBRG"):
        where = np.s_[position // 2 :: 2, position % 2 :: 2]
        black = raster.black[position]
        balance = raster.white_balance["RGB".index(colour)]
        mosaic[where] = linear[where] / balance * (raster.white - black) + black
    assert np.allclose(thumbnail(mosaic.round().astype(np.uint16), raster), 0.01, rtol=0.05)


def test_the_first_step_above_black_depends_on_the_codes():
    assert smallest_step(rgb_raster(16, 16)) == pytest.approx(float(decode(1 / 255)))
    assert smallest_step(rgb_raster(16, 16, 16)) == smallest_step(rgb_raster(16, 16))
    assert smallest_step(mosaic_raster(16, 16)) == pytest.approx(1 / (16383 - 512))
