"""`auto` lifts what is dark, leaves what is bright, and does not turn a night into a day."""

import numpy as np
import pytest
from skimage import data

from bench.metrics import psnr
from model.engine import load_engine
from model.exposure import exposure_look, exposure_ratio, glance
from model.exposure_head import LARGEST, load_head, wanted_ratio
from model.impression import impression
from model.light import decode, encode
from model.weights import WeightsDamaged
from tests.model.conftest import mosaic_raster, rgb_raster

STEP = float(decode(1 / 255))
BRIGHT = ("astronaut", "chelsea", "coffee", "camera", "coins", "moon", "brick", "immunohistochemistry")


def photograph(name):
    photo = getattr(data, name)()[:320, :400]
    return np.ascontiguousarray(photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, 2))


def darkened(photo, ratio):
    return (255 * encode(decode(photo / 255) / ratio)).round().astype(np.uint8)


def ratio_of(photo):
    return exposure_ratio(photo, rgb_raster(*photo.shape[:2]))


def of_light(light, step=STEP):
    return wanted_ratio(impression(light, step, linear=False), load_head())


@pytest.mark.parametrize("name", BRIGHT)
def test_a_bright_photo_asks_for_nothing(name):
    assert ratio_of(photograph(name)) == 1.0


def test_a_bright_photo_comes_back_as_it_was():
    photo = photograph("coffee")
    out = np.empty_like(photo)
    load_engine("classical", threads=1).enhance(photo, rgb_raster(*photo.shape[:2]), None, out, lambda _: None)
    assert psnr(out, photo) > 50


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
@pytest.mark.parametrize("ratio", [8, 30, 90])
def test_a_darkened_photo_is_brought_back_to_within_a_stop(name, ratio):
    assert ratio / 2 < ratio_of(darkened(photograph(name), ratio)) < 2 * ratio


def test_the_darker_a_photo_the_more_it_is_lifted():
    ratios = [ratio_of(darkened(photograph("chelsea"), ratio)) for ratio in (1, 2, 4, 8, 16, 32, 64)]
    assert ratios == sorted(ratios)


def test_a_street_at_night_stays_a_night():
    street = decode(photograph("coffee") / 255) / 400
    for row, column in ((40, 60), (60, 180), (50, 320)):
        street[row : row + 12, column : column + 12] = 0.9
    codes = (255 * encode(street)).round().astype(np.uint8)
    used = ratio_of(codes)
    seen = encode(used * decode(codes / 255)).clip(0, 1).mean()
    assert used < 150
    assert seen < 0.4


def test_a_black_photo_has_finite_numbers_and_an_allowed_ratio():
    for light in (np.zeros((32, 48, 3)), np.full((32, 48, 3), 1e-7)):
        assert np.isfinite(impression(light, STEP, linear=False).numbers).all()
        assert 1 <= of_light(light) <= LARGEST


def test_a_lamp_in_the_dark_is_no_reason_to_light_the_room_as_by_day():
    dark = np.zeros((320, 400, 3), np.uint8)
    dark[100:110, 100:110] = 255
    look = exposure_look(dark, rgb_raster(320, 400), ratio_of(dark))
    assert np.isfinite(look.lift).all()
    assert ratio_of(dark) * look.lift.max() < 0.05


@pytest.mark.parametrize(("height", "width"), [(16, 5000), (5000, 16), (16, 16), (300, 257)])
def test_a_photo_of_any_shape_has_an_impression(height, width):
    codes = np.full((height, width, 3), 100, np.uint8)
    assert np.isfinite(glance(codes, rgb_raster(height, width)).numbers).all()
    counts = np.full((height, width), 512 + 1000, np.uint16)
    assert np.isfinite(glance(counts, mosaic_raster(height, width, "BGGR")).numbers).all()


def test_a_damaged_head_is_refused(tmp_path):
    (tmp_path / "exposure.safetensors").write_bytes(b"not what was promised")
    (tmp_path / "exposure.sha256").write_text("0" * 64)
    with pytest.raises(WeightsDamaged):
        load_head(tmp_path / "exposure.safetensors")
