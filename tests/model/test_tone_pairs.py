"""Tone pairs are what a camera would have made: repeatable, darker by their gain, and enough to learn from."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage import data

from cli.train_exposure import command
from model.exposure_head import LARGEST, load_head, wanted_look, wanted_ratio
from model.exposure_head_training import HeadRecipe, fit, lesson_of, train_head
from model.light import encode
from model.tone_pairs import camera, plain, small, tone_pairs

PHOTOS = [small(data.chelsea()), small(data.coffee()), small(data.astronaut())]


@pytest.fixture(scope="module")
def lesson():
    return lesson_of(tone_pairs(PHOTOS, 24, 1))


def test_a_pair_is_the_same_however_many_are_made():
    one, two = list(tone_pairs(PHOTOS, 2, 5)), list(tone_pairs(PHOTOS, 4, 5))
    assert np.array_equal(one[1].restored, two[1].restored)
    assert not np.array_equal(one[0].wanted, one[1].wanted)


def test_a_pairs_dark_half_is_dark_and_its_wanted_half_is_not():
    pairs = [pair for pair in tone_pairs(PHOTOS, 24, 2) if pair.gain > 4]
    assert len(pairs) > 8
    for pair in pairs:
        assert encode(pair.restored).mean() < pair.wanted.mean()
        assert 0 <= pair.wanted.min() <= pair.wanted.max() <= 1
        assert np.isfinite(pair.impression.numbers).all()


def test_a_cameras_curve_is_undone_but_for_what_it_lost():
    random = np.random.default_rng(0)
    light = np.linspace(0.01, 0.9, 300).reshape(10, 10, 3)
    for made in (plain(), *(camera(random) for _ in range(10))):
        back = made.undo(made.exact(light)) + made.lost
        assert np.allclose(back, light, atol=2e-3)


def test_learning_lowers_the_error(lesson):
    said = []
    fit(lesson, HeadRecipe(rounds=5, batch=8, hidden=8, jitter=0.0, learning_rate=2e-2), said.append)
    errors = [float(line.split()[-1]) for line in said]
    assert errors[-1] < 0.9 * errors[0]


def test_the_same_seed_trains_the_same_head_and_numpy_reads_it(tmp_path):
    recipe = HeadRecipe(pairs=6, rounds=2, batch=4, hidden=4)
    paths = [train_head(PHOTOS, recipe=recipe, folder=tmp_path / name, say=lambda _: None) for name in "ab"]
    arrays, again = (load_head(path) for path in paths)
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    pair = next(tone_pairs(PHOTOS, 1, 9))
    assert 1 <= wanted_ratio(pair.impression, arrays) <= LARGEST
    assert np.isfinite(wanted_look(pair.impression, 20.0, arrays).blend).all()


def test_no_photos_are_a_fact(tmp_path):
    with pytest.raises(ValueError, match="No photos"):
        train_head([], recipe=HeadRecipe(), folder=tmp_path, say=print)


def test_the_command_trains_from_a_folder(tmp_path):
    Image.fromarray(data.chelsea()).save(tmp_path / "cat.png")
    ran = CliRunner().invoke(command, ["--photos", str(tmp_path), "--out", str(tmp_path / "out"), "--pairs", "3"])
    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "out" / "exposure.safetensors").exists()
    assert (tmp_path / "out" / "exposure.sha256").exists()
