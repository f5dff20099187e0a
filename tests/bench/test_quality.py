"""Pairs, yardsticks and tables of the quality command."""

import csv

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench.night_camera import clean_night, night
from bench.pairs import Pair, enhanced, matching_ratio, real_pairs
from bench.quality import COLUMNS, cell, differences, figures, table, write_csv
from bench.yardsticks import Bilateral, GainOnly
from model.light import decode


def photo(side=64):
    """A cup's saucer, its left half in shadow."""
    picture = data.coffee()[100 : 100 + side, 200 : 200 + side].copy()
    picture[:, : side // 2] //= 5
    return picture


def pair(name="a", gain=120.0):
    dark = night(photo(), gain, np.random.default_rng(0))
    return Pair(
        name=name, dark=dark, bright=enhanced(GainOnly(), clean_night(photo(), gain), gain), gain=gain, ratio=gain
    )


def test_plain_gain_changes_nothing_but_light():
    picture = np.ascontiguousarray(data.chelsea()[:64, :64] // 2)
    assert np.abs(enhanced(GainOnly(), picture, 1.0).astype(int) - picture).max() <= 0


def test_the_bilateral_filter_smooths_what_plain_gain_leaves_noisy():
    dark = night(np.full((64, 64, 3), 150, np.uint8), 100.0, np.random.default_rng(0))
    assert enhanced(Bilateral(), dark, 100.0).std() < 0.7 * enhanced(GainOnly(), dark, 100.0).std()


def test_a_night_without_noise_keeps_the_light_and_a_camera_adds_noise_and_black():
    clean, taken = clean_night(photo(), 150.0), night(photo(), 150.0, np.random.default_rng(0))
    light = 150 * decode(clean / 65535)
    assert np.abs(light - decode(photo() / 255)).max() < 2e-4
    assert (taken == 0).mean() > 0.05
    assert len(np.unique(taken)) > 4


def test_the_matching_ratio_undoes_a_known_darkening():
    bright = (0.6 * photo(128)).astype(np.uint8)
    dark = (255 * clean_night(bright, 8.0) / 65535).round().astype(np.uint8)
    ratio = matching_ratio(dark, enhanced(GainOnly(), dark, 8.0))
    assert ratio == pytest.approx(8.0, rel=0.1)


def test_pairs_are_files_of_one_name(tmp_path):
    for half, names in {"low": ("1.png", "2.png"), "high": ("2.png", "3.png")}.items():
        (tmp_path / half).mkdir()
        for name in names:
            Image.fromarray(photo() // (20 if half == "low" else 1)).save(tmp_path / half / name)
    (found,) = real_pairs(tmp_path, oracle=False)
    assert found.name == "2"
    assert found.ratio is None
    assert found.gain > 20
    assert real_pairs(tmp_path, oracle=True)[0].ratio > 10


def test_every_column_is_measured_and_a_cast_only_where_it_is_dark():
    pairs = [pair("dark"), pair("dim", gain=20.0)]
    values = figures(GainOnly(), pairs, pairs[:1])
    assert set(values) == set(COLUMNS)
    assert not np.isnan(values["cast"][0])
    assert np.isnan(values["cast"][1])
    assert values["plain_psnr"].shape == (2,)
    assert values["synthetic_cast"].shape == (1,)


def test_differences_are_taken_pair_by_pair():
    rows = {
        name: {column: np.array([1.0, 5.0]) + more for column in COLUMNS}
        for name, more in {"classical engine": 0.0, "firstlight, torch": 2.0}.items()
    }
    (less,) = differences(rows, "classical engine").values()
    assert less["psnr"].tolist() == [2.0, 2.0]
    assert "2.00 (2.00…2.00)" in table(differences(rows, "classical engine"), "less")


def test_a_figure_that_does_not_apply_is_a_dash():
    assert cell(np.array([np.nan]), COLUMNS["cast"]) == "–"


def test_the_csv_holds_every_pair(tmp_path):
    pairs = [pair("dark"), pair("dim", gain=20.0)]
    rows = {"auto-gain": figures(GainOnly(), pairs, pairs[:1])}
    write_csv(tmp_path / "figures.csv", rows, pairs, pairs[:1])
    lines = list(csv.DictReader((tmp_path / "figures.csv").read_text(encoding="utf-8").splitlines()))
    assert [line["pair"] for line in lines] == ["dark", "dim", "dark"]
    assert lines[1]["cast"] == ""
    assert float(lines[0]["psnr"]) == pytest.approx(rows["auto-gain"]["psnr"][0], abs=1e-3)
