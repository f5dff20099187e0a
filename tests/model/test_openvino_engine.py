"""What the OpenVINO engine keeps between photos, and how it takes turns."""

import numpy as np
import pytest

from model.enhancement import BUDGET, enhance_with
from model.openvino_engine import OpenVinoEngine
from model.weights import load_weights
from tests.model.conftest import noisy_rgb, rgb_raster


@pytest.fixture(scope="module")
def engine(untrained):
    return OpenVinoEngine(load_weights(untrained), reason="a test", threads=2)


def test_photos_of_one_size_share_a_graph_and_many_sizes_share_the_memory_of_one_tile(engine):
    kinds = [("rgb", 8, 8, side, 1024) for side in (1024, 1040, 1056, 1072, 1088)]
    first = engine.requests(kinds[0])
    assert engine.requests(kinds[0]) is first
    for kind in kinds[1:]:
        engine.requests(kind)
        assert sum(each[3] * each[4] for each in engine.compiled) * engine.bytes_per_pixel <= BUDGET
    assert kinds[-1] in engine.compiled
    assert kinds[0] not in engine.compiled


def test_a_shape_in_use_outlives_one_that_is_not(engine):
    old, used, new = (("rgb", 8, 8, side, 1280) for side in (1200, 1216, 1232))
    for kind in (used, old, used, new):
        engine.requests(kind)
    assert used in engine.compiled
    assert old not in engine.compiled


def test_tiles_that_overlap_in_time_come_out_in_their_places(engine):
    dark = noisy_rgb(600, 700)
    whole, tiled = np.zeros_like(dark), np.zeros_like(dark)
    heard = []
    enhance_with(engine, dark, rgb_raster(600, 700), 8.0, whole, heard.append)
    enhance_with(engine, dark, rgb_raster(600, 700), 8.0, tiled, heard.append, budget=1)
    assert len(heard) > 10
    difference = np.abs(whole.astype(int) - tiled)
    assert difference.mean() < 0.1
    assert difference.max() <= 24  # of random weights; the trained ones' bound is in `test_engines`


def test_a_photo_given_up_in_the_middle_leaves_nothing_behind(engine):
    dark = noisy_rgb(400, 400)

    def give_up(done):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        enhance_with(engine, dark, rgb_raster(400, 400), 8.0, np.zeros_like(dark), give_up, budget=1)
    once, again = np.zeros_like(dark), np.zeros_like(dark)
    for out in (once, again):
        enhance_with(engine, dark, rgb_raster(400, 400), 8.0, out, lambda _: None, budget=1)
    assert (once == again).all()
    assert once.mean() > dark.mean()
