"""Tables make linear light of codes: black is black, white is white, whatever the sensor's order."""

import numpy as np
import pytest

from model.light import decode, encode
from model.linear import linear_tables
from model.plan import plan
from model.sigma import noise_sigma
from tests.model.conftest import mosaic_raster, noisy_mosaic, noisy_rgb, rgb_raster


def test_an_srgb_code_at_ratio_one_is_its_own_encoded_light():
    decided = plan(noisy_rgb(32, 32), rgb_raster(32, 32), 1.0, 8)
    assert np.allclose(decided.source[0], np.arange(256) / 255, atol=1e-6)


@pytest.mark.parametrize(("cfa", "red"), [("RGGB", 0), ("GRBG", 1), ("GBRG", 2), ("BGGR", 3)])
def test_each_position_has_its_own_black_level(cfa, red):
    black = (500.0, 520.0, 540.0, 560.0)
    tables = linear_tables(mosaic_raster(32, 32, cfa, black))
    assert tables[0][int(black[red])] == 0
    assert tables[3][int(black[3 - red])] == 0


def test_a_clipped_lamp_is_white_in_every_colour():
    tables = linear_tables(mosaic_raster(32, 32))
    assert np.allclose(tables[:, 16383], 1)


def test_noise_below_black_stays_below_black():
    tables = linear_tables(mosaic_raster(32, 32))
    assert (tables[:, 500] < 0).all()


def test_the_gain_multiplies_light():
    decided = plan(noisy_mosaic(32, 32), mosaic_raster(32, 32), 20.0, 8)
    light = linear_tables(mosaic_raster(32, 32))
    assert np.allclose(decode(decided.source[:, 3000]), 20 * light[:, 3000], rtol=1e-4)
    assert decided.top == pytest.approx(float(encode(20.0)))


@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.2])
def test_the_noise_estimate_finds_white_noise_and_overlooks_edges(sigma):
    planes = np.random.default_rng(1).normal(0, sigma, (3, 120, 120)).astype(np.float32)
    planes[:, ::20] += 1
    assert noise_sigma(planes) == pytest.approx(sigma, rel=0.1)


def test_a_noisier_mosaic_is_told_to_be_noisier():
    quiet = plan(noisy_mosaic(64, 64), mosaic_raster(64, 64), 10.0, 8).conditions[1]
    rough = noisy_mosaic(64, 64).astype(int) + np.random.default_rng(2).integers(-60, 61, (64, 64))
    assert plan(rough.clip(0, 16383).astype(np.uint16), mosaic_raster(64, 64), 10.0, 8).conditions[1] > 2 * quiet


def test_a_value_may_be_changed_by_its_noise_and_no_more():
    pixels, raster = noisy_rgb(64, 64), rgb_raster(64, 64)
    decided = plan(pixels, raster, 8.0, 8)
    assert decided.limit == pytest.approx(3.0 * float(decided.conditions[1]) / 4)
    assert plan(noisy_mosaic(32, 32), mosaic_raster(32, 32), 20.0, 8).limit == np.inf
