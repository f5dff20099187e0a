"""The page's sample is the free photo it is said to be, dark to begin with and small."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from api.server import ROOT
from bench.free_photos import free_photos
from bench.sample import LARGEST_PHOTO, LARGEST_VIEW, NAME, dark_photo, views
from bench.yardsticks import GainOnly

PARTS = ROOT / "web" / "src" / "parts"
SMALL = {"sample.jpg": LARGEST_PHOTO, "sample-before.webp": LARGEST_VIEW, "sample-after.webp": LARGEST_VIEW}


def picture(source):
    with Image.open(source) as image:
        return np.asarray(image.convert("RGB"), float)


def test_the_photo_of_the_page_is_the_one_that_is_made_here():
    there, made = picture(PARTS / "sample.jpg"), picture(io.BytesIO(dark_photo()))
    assert np.abs(there - made).mean() < 2


def test_the_views_show_it_dark_and_then_bright(tmp_path):
    path = tmp_path / "sample.jpg"
    path.write_bytes(dark_photo())
    dark = picture(path)
    before, after = (picture(io.BytesIO(each)) for each in views(path, GainOnly()))
    assert before.shape == after.shape == dark.shape == free_photos()[NAME].shape
    assert np.abs(before - dark).mean() < 2
    assert dark.mean() < 30 < 60 < after.mean()


@pytest.mark.parametrize("name", SMALL)
def test_what_the_page_loads_is_small_and_shows_the_whole_photo(name):
    file = Path(PARTS, name)
    assert file.stat().st_size <= SMALL[name]
    assert picture(file).shape == free_photos()[NAME].shape
