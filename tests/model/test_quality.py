"""The yardsticks measure what they say."""

import numpy as np
import pytest
from skimage import data
from skimage.metrics import structural_similarity

from bench.metrics import interval, mean_matched, psnr, scores, ssim
from bench.old_network import PARAMETERS, build
from bench.quality import GainOnly, enhanced


def noisy(picture, sigma):
    noise = np.random.default_rng(4).normal(0, sigma, picture.shape)
    return (picture + noise).clip(0, 255).round().astype(np.uint8)


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


def test_plain_gain_changes_nothing_but_light():
    picture = np.ascontiguousarray(data.chelsea()[:64, :64] // 2)
    assert np.abs(enhanced(GainOnly(), picture, 1.0).astype(int) - picture).max() <= 0


def test_the_old_network_is_the_old_network():
    assert sum(parameter.numel() for parameter in build().parameters()) == PARAMETERS
