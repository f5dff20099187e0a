"""`auto` lifts what is dark, leaves what is bright, and does not turn a night into a day."""

import numpy as np
import pytest

from model.exposure import LARGEST, estimate_ratio, exposure_ratio, thumbnail, wanted_mean
from model.light import decode, encode
from tests.model.conftest import mosaic_raster, rgb_raster

STEP = float(decode(1 / 255))


def evenly_lit(mean):
    return decode(np.random.default_rng(0).uniform(0.5, 1.5, (60, 80)) * mean)


def test_a_bright_photo_is_left_alone():
    assert estimate_ratio(evenly_lit(0.5), STEP) == 1.0


@pytest.mark.parametrize("ratio", [4, 20, 100])
def test_a_darkened_room_comes_back_to_a_rooms_brightness(ratio):
    room = evenly_lit(0.47)
    assert 0.6 * ratio < estimate_ratio(room / ratio, STEP / 10) < 1.6 * ratio


def test_lamps_at_night_lower_what_is_wanted():
    night = np.full((60, 80), 0.0005)
    night[10:13, 20:30] = 0.8
    assert wanted_mean(night) < wanted_mean(np.full((60, 80), 0.0005))


def test_a_black_border_does_not_count():
    room = evenly_lit(0.47) / 20
    framed = np.zeros((120, 160))
    framed[30:90, 40:120] = room
    assert estimate_ratio(framed, STEP) == pytest.approx(estimate_ratio(room, STEP), rel=0.15)


def test_a_black_photo_has_nothing_to_lift():
    assert estimate_ratio(np.zeros((60, 80)), STEP) == 1.0


def test_an_estimate_never_leaves_what_people_may_ask_for():
    assert estimate_ratio(np.full((60, 80), 1e-4), STEP / 1000) == LARGEST


@pytest.mark.parametrize(("height", "width"), [(16, 5000), (5000, 16), (16, 16), (300, 257)])
def test_a_thumbnail_has_the_photos_light_whatever_its_shape(height, width):
    codes = np.full((height, width, 3), 100, np.uint8)
    assert np.allclose(thumbnail(codes, rgb_raster(height, width)), decode(100 / 255))
    counts = np.full((height, width), 512 + 1000, np.uint16)
    assert np.isfinite(thumbnail(counts, mosaic_raster(height, width, "BGGR"))).all()


def test_a_mosaic_and_the_picture_it_shows_ask_for_the_same_ratio():
    linear = np.full((64, 96), 0.01)
    raster = mosaic_raster(64, 96, "GBRG", black=(500.0, 520.0, 510.0, 530.0))
    mosaic = np.empty((64, 96))
    for position, colour in enumerate("GBRG"):
        where = np.s_[position // 2 :: 2, position % 2 :: 2]
        black = raster.black[position]
        balance = raster.white_balance["RGB".index(colour)]
        mosaic[where] = linear[where] / balance * (raster.white - black) + black
    assert np.allclose(thumbnail(mosaic.round().astype(np.uint16), raster), 0.01, rtol=0.02)
    codes = (255 * encode(np.full((64, 96, 3), 0.01))).round().astype(np.uint8)
    found = exposure_ratio(mosaic.round().astype(np.uint16), raster)
    assert found == pytest.approx(exposure_ratio(codes, rgb_raster(64, 96)), rel=0.1)
