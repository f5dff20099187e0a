"""The yardsticks measure what they say."""

import cv2
import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from bench.metrics import (
    colour_error,
    fine_detail,
    interval,
    mean_matched,
    noise_share,
    psnr,
    scores,
    shadow_cast,
    ssim,
)


def noisy(picture, sigma):
    noise = np.random.default_rng(4).normal(0, sigma, picture.shape)
    return (picture + noise).clip(0, 255).round().astype(np.uint8)


def grey(level, side=64):
    return np.full((side, side, 3), level, np.uint8)


def test_ssim_is_the_one_that_papers_report():
    picture = data.chelsea()[:120, :160]
    other = noisy(picture, 15)
    published = structural_similarity(
        other, picture, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(other, picture) == pytest.approx(published, abs=2e-3)


def test_a_code_off_by_one_everywhere_is_48_decibels():
    picture = data.chelsea()[:64, :64].clip(0, 254)
    assert psnr(picture + 1, picture) == pytest.approx(48.13, abs=0.01)


def test_matching_the_mean_forgives_exposure_but_not_noise():
    picture = data.chelsea()[:120, :160] // 2
    plain, _, matched, _ = scores((picture * 1.5).astype(np.uint8), picture)
    assert plain < 20
    assert matched > 45
    assert scores(noisy(picture, 20), picture)[2] < 25


def test_a_matched_picture_has_the_references_mean():
    picture = data.chelsea()[:64, :64]
    assert mean_matched(picture // 3, picture).mean() == pytest.approx(picture.mean(), rel=0.02)


def test_the_interval_holds_the_mean():
    low, high = interval(np.arange(24.0), np.random.default_rng(0))
    assert low < 11.5 < high


def test_the_medians_interval_ignores_one_wild_value():
    values = np.array([1.0] * 23 + [1000.0])
    assert interval(values, np.random.default_rng(0), median=True)[1] == 1.0
    assert interval(values, np.random.default_rng(0))[1] > 40


def test_two_greys_of_known_lightness_differ_by_known_delta_e():
    # Codes 119 and 122 have L* 50.03 and 51.21; near L* 50 CIEDE2000 divides their difference by hardly more than 1.
    assert colour_error(grey(122), grey(119)) == pytest.approx(1.17, abs=0.03)


def test_equal_pictures_have_no_colour_error_all_their_detail_and_no_cast():
    picture = data.coffee()[:200, :200]
    assert colour_error(picture, picture) == 0
    assert fine_detail(picture, picture) == (pytest.approx(1), pytest.approx(1))
    assert shadow_cast(picture, picture) == pytest.approx(0, abs=1e-9)


def test_a_green_veil_over_the_shadows_is_a_cast_and_one_over_the_lights_is_none():
    picture = np.concatenate([grey(35, 32), grey(200, 32)])
    veiled = picture.copy()
    veiled[:32, :, 1] += 8
    assert shadow_cast(veiled, picture) > 5
    assert shadow_cast(picture + (picture > 100).astype(np.uint8) * 20, picture) == pytest.approx(0, abs=1e-9)


def test_blotches_that_cancel_out_are_no_cast():
    picture = grey(40)
    blotched = picture.copy()
    blotched[::2, :, 0] += 6
    blotched[1::2, :, 0] -= 6
    assert colour_error(blotched, picture) > 3
    assert shadow_cast(blotched, picture) < 1


def test_without_shadows_there_is_no_cast_to_speak_of():
    assert np.isnan(shadow_cast(grey(180), grey(180)))


def test_a_smeared_picture_has_less_fine_detail():
    picture = data.chelsea()[:200, :200]
    energy, kept = fine_detail(cv2.GaussianBlur(picture, (0, 0), 1.5), picture)
    assert energy < 0.1
    assert kept < 0.3


def test_noise_counts_as_energy_but_not_as_kept_detail():
    picture = data.coffee()[:300, :300]
    energy, kept = fine_detail(noisy(picture, 20), picture)
    assert energy > 1.5
    assert kept == pytest.approx(1, abs=0.1)


def test_half_the_amplitude_is_a_quarter_of_the_energy():
    picture = data.chelsea()[:200, :200].astype(float)
    softened = picture / 2 + cv2.GaussianBlur(picture, (0, 0), 2) / 2
    energy, kept = fine_detail(softened, picture)
    assert energy == pytest.approx(0.25, abs=0.02)
    assert kept == pytest.approx(0.5, abs=0.02)


def test_coarse_patterns_are_not_fine_detail():
    columns = np.arange(128)
    coarse = grey(128, 128) + (40 * np.sin(2 * np.pi * columns * 0.15))[None, :, None]
    fine = grey(128, 128) + (40 * np.sin(2 * np.pi * columns * 0.35))[None, :, None]
    assert fine_detail(coarse, fine)[0] < 1e-3


def test_a_reference_of_noise_alone_is_noise():
    assert noise_share(noisy(grey(128, 256), 10)) == pytest.approx(1, abs=0.1)
    assert noise_share(cv2.GaussianBlur(data.coffee()[:256, :256], (0, 0), 0.6)) < 0.3
