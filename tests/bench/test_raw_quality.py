"""Raws made here are what they claim, and ways of developing them are compared fairly."""

import csv

import numpy as np
import pytest
from skimage import data

from bench.converters import DEVELOPS, FINISHES
from bench.raw_camera import BLACK, D850, NEUTRAL, WHITE, camera_light, counts, dng, noisy
from bench.raw_quality import UNTREATED, best, by_ratio, by_setting, column, table, write_csv
from bench.raw_trial import DOMAINS, Case, Score, Untoned, cases, classical, ours, wanted
from bench.yardsticks import GainOnly
from photos.codec import Codec

GREY = np.full((64, 64, 3), 188, np.uint8)


@pytest.fixture(scope="module")
def codec():
    with Codec(sandbox="auto") as started:
        yield started


def soft_photo(side=64):
    """Colours that change slowly, so that demosaicing can follow them."""
    return np.ascontiguousarray(np.kron(data.coffee()[100:108, 300:308], np.ones((side // 8, side // 8, 1), np.uint8)))


def noiseless(photo, ratio=1.0):
    light = camera_light(photo)
    file = dng((counts(light, ratio) + BLACK).round().clip(0, WHITE).astype(np.uint16))
    return Case(photo="soft", ratio=ratio, system_gain=1.0, file=file, light=light)


def score(way, psnr, ratio=100.0, domain="sRGB", gain=0.8):
    case = Case(photo="p", ratio=ratio, system_gain=gain, file=b"", light=np.zeros((2, 2, 3)))
    return Score(way=way, domain=domain, case=case, psnr=psnr, ssim=psnr / 100)


@pytest.mark.parametrize("develop", DEVELOPS, ids=lambda develop: develop.name)
def test_converters_give_back_the_light_of_a_raw_without_noise(develop):
    case = noiseless(GREY)
    found = develop.light(case.file)
    assert found[16:48, 16:48] == pytest.approx(case.light[16:48, 16:48], abs=2e-3)


def test_a_pedestal_keeps_the_noise_below_black():
    dark = noisy(np.zeros((64, 64)), 2.0, D850, np.random.default_rng(0))
    cut, kept = (
        next(each for each in DEVELOPS if each.pedestal == pedestal and not each.fbdd).light(dng(dark))
        for pedestal in (0, 256)
    )
    assert cut.min() == 0
    assert kept.min() < 0


def test_decoder_and_engine_give_back_the_light_of_a_raw_without_noise(codec):
    for found in ours(noiseless(GREY), codec, GainOnly(), "plain"):
        assert found.psnr > 45, found.domain


def test_gain_reaches_the_exposure_of_the_reference_in_both_domains(codec):
    case = noiseless(soft_photo(), ratio=50.0)
    for found in ours(case, codec, GainOnly(), "plain"):
        assert found.psnr > 24, found.domain
    treated = {(each.domain, each.way): each.psnr for each in classical(case)}
    assert len(treated) == len(DOMAINS) * len(DEVELOPS) * len(FINISHES)
    assert min(treated[domain, UNTREATED] for domain in DOMAINS) > 24


def test_the_reference_in_srgb_is_the_photo():
    assert wanted(camera_light(GREY), "sRGB") == pytest.approx(GREY, abs=1e-6)


def test_noise_has_the_spread_of_its_calibration():
    random = np.random.default_rng(0)
    drawn = [noisy(np.full((128, 128), 400.0), 2.47, D850, random).astype(float) for _ in range(12)]
    positions = np.stack([picture[row::2, column::2].std() for picture in drawn for row in (0, 1) for column in (0, 1)])
    # Shot noise alone is √(400 · 2.47) = 31.4 counts; read noise adds less than a tenth.
    assert positions.mean() == pytest.approx(32, abs=1.5)
    dark = noisy(np.zeros((128, 128)), 2.47, D850, random) - float(BLACK)
    assert dark[::2, ::2].mean() == pytest.approx(-2.757, abs=0.5)
    assert dark.std() < 8


def test_a_mosaic_sees_red_first_and_as_little_of_it_as_the_camera_does():
    light = np.zeros((4, 4, 3))
    light[..., 0] = 1
    mosaic = counts(light, 10.0)
    assert mosaic[0, 0] == pytest.approx(NEUTRAL[0] * (WHITE - BLACK) / 10)
    assert mosaic[0, 1] == mosaic[1, 0] == mosaic[1, 1] == 0


def test_cases_are_seeded_and_take_settings_by_turns():
    photos = {"a": GREY, "b": GREY}
    first, again = (list(cases(photos, 32, (100.0,))) for _ in range(2))
    assert [case.file for case in first] == [case.file for case in again]
    assert first[0].light.shape == (32, 32, 3)
    gains = {name: {case.system_gain for case in first if case.photo == name} for name in photos}
    assert len(gains["a"] | gains["b"]) == 6
    assert not gains["a"] & gains["b"]


def test_tone_and_blend_are_left_out_of_the_comparison(codec):
    """A photo as bright as white at ratio 4: the tone curve would bend it."""
    bright = noiseless(np.full((64, 64, 3), 235, np.uint8), ratio=4.0)
    (linear, srgb) = ours(bright, codec, GainOnly(), "plain")
    assert linear.psnr > 40
    assert srgb.psnr > 40
    assert Untoned(GainOnly(), "sRGB").name == "auto-gain"


def test_the_best_way_is_chosen_in_each_setting_by_its_mean():
    scores = [
        score("x", 20),
        score("y", 25),
        score("x", 30),
        score("y", 24),
        score("x", 1, 300.0),
        score("y", 2, 300.0),
    ]
    assert best(scores, by_setting) == {("sRGB", 100.0, 0.8): "x", ("sRGB", 300.0, 0.8): "y"}
    assert column(scores, lambda score: score.way == "y")[:, 0].tolist() == [25, 24, 2]


def test_a_strength_tuned_to_each_iso_is_at_least_as_good_as_one_for_the_ratio():
    scores = [score("x", 20, gain=1.0), score("y", 22, gain=1.0), score("x", 30, gain=2.0), score("y", 26, gain=2.0)]
    assert set(best(scores, by_ratio).values()) == {"x"}
    assert set(best(scores, by_setting).values()) == {"x", "y"}


def test_a_camera_that_knows_its_black_has_no_bias():
    dark = {"dark": np.zeros((64, 64, 3), np.uint8)}
    means = []
    for biased in (True, False):
        light = [DEVELOPS[1].light(case.file).mean((0, 1)) for case in cases(dark, 64, (100.0,), biased=biased)]
        means.append(np.abs(np.array(light)).max() * (WHITE - BLACK))
    assert means[0] > 3 > 1.5 > means[1]


def test_the_lead_is_taken_case_by_case(tmp_path):
    others = [score(way, psnr, domain=domain) for domain in DOMAINS for psnr in (20, 30) for way in (UNTREATED, "x")]
    own = [score("classical engine", 10, domain=domain) for domain in DOMAINS for _ in range(2)]
    own += [score("network", psnr, domain=domain) for domain in DOMAINS for psnr in (24, 34)]
    assert "4.00 (4.00…4.00) dB" in table(others, own)
    write_csv(tmp_path / "all.csv", others + own)
    lines = list(csv.DictReader((tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == len(others) + len(own)
    assert lines[-1]["way"] == "network"
