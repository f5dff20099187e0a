"""Pictures for the README are small, honest, and credited."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.pictures import (
    CAPTION,
    CROP,
    DARKENED,
    GAP,
    NIGHTS,
    RATIO,
    WIDTH,
    Shown,
    credits_text,
    darkened,
    fitting,
    page,
    shown,
)
from bench.sheets import opened
from bench.yardsticks import GainOnly
from photos.codec import Codec


def flat(level, height=700, width=960):
    return np.full((height, width, 3), level, np.uint8)


def test_a_page_shows_whole_and_part_before_and_after():
    picture = np.asarray(page(Shown(taken=flat(10), gained=flat(90), bright=flat(200), ratio=20), (0.5, 0.5)))
    small = WIDTH * 700 // 960
    rows = CAPTION + small // 2, 2 * CAPTION + small + CROP // 2
    columns = WIDTH // 2, WIDTH + GAP + WIDTH // 2
    assert [[int(picture[row, column, 0]) for column in columns] for row in rows] == [[10, 200], [90, 200]]


def test_the_part_is_cut_where_it_was_asked_and_not_scaled():
    gained = flat(0)
    gained[100:102, 240:242] = 250
    picture = np.asarray(page(Shown(taken=flat(0), gained=gained, bright=flat(0), ratio=20), (0.25, 0.5)))
    below = picture[2 * CAPTION + WIDTH * 700 // 960 :]
    assert (below[:2, :2] == 250).all()
    assert (below == 250).all(2).sum() == 4


def test_a_file_is_as_good_as_fits():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8))
    large, small = fitting(noise, 200_000), fitting(noise, 40_000)
    assert len(small) <= 40_000 < len(large) <= 200_000
    assert Image.open(io.BytesIO(small)).size == (300, 200)
    with pytest.raises(ValueError, match="no quality"):
        fitting(noise, 1000)


def test_every_picture_is_credited_and_only_the_synthetic_ones_say_so():
    *lines, sample = credits_text((*NIGHTS, *DARKENED)).splitlines()[4:]
    assert "Rachel Michetti" in sample
    assert [line.split("`")[1] for line in lines] == [f"{each.name}.jpg" for each in (*NIGHTS, *DARKENED)]
    assert all("CC0" in line for line in lines)
    assert ["synthetic" in line for line in lines] == [False] * len(NIGHTS) + [True] * len(DARKENED)


def test_a_darkened_photo_is_dark_as_taken_and_bright_when_gained(tmp_path):
    path = tmp_path / "coffee.dng"
    path.write_bytes(darkened("coffee"))
    with Codec(sandbox="auto") as codec:
        codes, raster = opened(codec, path)
    three = shown(codes, raster, GainOnly(), RATIO)
    assert three.ratio == RATIO
    assert three.taken.mean() < 30 < 60 < three.gained.mean()
