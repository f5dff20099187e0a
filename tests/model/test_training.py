"""Training learns, resumes where it stopped, and writes weights that every runtime reads."""

import csv
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from bench.metrics import psnr
from model.dark_mosaic import dark_mosaic
from model.dark_srgb import dark_srgb
from model.engine import load_engine
from model.light import decode, encode
from model.network import Dims, Network, in_quad, pack
from model.network_range import INPUT_LOW
from model.photo_folder import read_photos
from model.real_pairs import NoPairs, find_pairs, read_pair
from model.synthesis import crops
from model.tone import toned
from model.train import Recipe, train
from model.weights import NETWORKS, SHIPPED, load_weights
from tests.model.conftest import rgb_raster

TINY = Recipe(
    dims=Dims(width=4, levels=2, middle_blocks=1), steps=6, batch=2, side=32, warm_up=2, report_every=2, save_every=3
)


def photo():
    return np.ascontiguousarray(data.chelsea()[:256, :320])


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1.0
        return self.seconds


def run(folder, **changes):
    said = []
    recipe = Recipe(**{**{name: getattr(TINY, name) for name in TINY.__slots__}, **changes})
    return train([photo()], recipe=recipe, folder=folder, clock=Clock(), say=said.append), said


def test_training_writes_losses_and_weights_with_their_dimensions(tmp_path):
    path, said = run(tmp_path)
    weights = load_weights(path)
    assert weights.dims == TINY.dims.as_metadata()
    assert weights.facts["steps"] == "6"
    with (tmp_path / "losses.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["2", "4", "6"]
    assert said[-1].startswith("step 6")
    assert Network(Dims(**weights.dims)).state_dict().keys() == weights.arrays.keys()


def test_training_that_was_stopped_goes_on_where_it_was(tmp_path):
    whole, _ = run(tmp_path / "whole", learning_rate=1e-3)
    run(tmp_path / "parts", steps=3, learning_rate=1e-3)
    _, said = run(tmp_path / "parts", learning_rate=1e-3)
    assert said[0].startswith("step 4")
    assert (
        load_weights(whole).arrays.keys() == load_weights(tmp_path / "parts" / "firstlight.safetensors").arrays.keys()
    )


def test_the_losses_of_a_resumed_training_tell_each_batch_once(tmp_path):
    run(tmp_path, steps=5, report_every=1)
    with (tmp_path / "losses.csv").open("a") as file:
        file.write("6,0.1,1e-3,9\n7,0.1,1e-3,9\n")
    run(tmp_path, steps=8, report_every=1)
    with (tmp_path / "losses.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(1, 9))


def test_training_begins_with_given_weights_and_may_widen_them(tmp_path):
    given, _ = run(tmp_path / "given", learning_rate=1e-2)
    wide = Dims(width=6, levels=2, middle_blocks=1)
    recipe = Recipe(dims=wide, steps=1, batch=2, side=32, learning_rate=1e-9)
    path = train([photo()], recipe=recipe, folder=tmp_path / "wide", clock=Clock(), say=print, begin_from=given)
    weights = load_weights(path)
    assert weights.dims == wide.as_metadata()
    assert np.allclose(weights.arrays["stem.rgb.bias"][:4], load_weights(given).arrays["stem.rgb.bias"], atol=1e-3)


def test_the_same_seed_trains_the_same_weights(tmp_path):
    one, _ = run(tmp_path / "one")
    other, _ = run(tmp_path / "other")
    assert all((load_weights(one).arrays[name] == array).all() for name, array in load_weights(other).arrays.items())


def test_a_checkpoint_of_other_dimensions_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match="move it away"):
        run(tmp_path, dims=Dims(width=8, levels=2, middle_blocks=1))


def test_training_needs_photos(tmp_path):
    with pytest.raises(ValueError, match="No photos"):
        train([], recipe=TINY, folder=tmp_path, clock=Clock(), say=print)


def test_folders_of_photos_and_pairs_train(tmp_path):
    (tmp_path / "photos").mkdir()
    Image.fromarray(photo()).save(tmp_path / "photos" / "cat.jpg")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no photo")
    for name, codes in (("low", photo() // 16), ("high", photo())):
        (tmp_path / "pairs" / name).mkdir(parents=True)
        Image.fromarray(codes).save(tmp_path / "pairs" / name / "1.png")
    said = []
    photos, pairs = read_photos(tmp_path / "photos", said.append), find_pairs(tmp_path / "pairs")
    assert [line.split(":")[0] for line in said] == ["broken.jpg is left out"]
    path = train(photos, recipe=TINY, folder=tmp_path / "out", clock=Clock(), say=said.append, pairs=pairs)
    assert path.exists()


def test_a_real_pair_teaches_restoration_and_not_tone(tmp_path):
    for name, codes in (("low", encode(decode(photo() / 255) * [0.05, 0.04, 0.02])), ("high", photo() / 255)):
        (tmp_path / name).mkdir()
        Image.fromarray((255 * codes).round().astype(np.uint8)).save(tmp_path / name / "1.png")
    pair = read_pair(*find_pairs(tmp_path).paths[0])
    assert np.allclose(pair.bright.mean((0, 1)), pair.gain * pair.dark.mean((0, 1)), rtol=1e-3)


def test_a_folder_without_pairs_names_both_layouts(tmp_path):
    with pytest.raises(NoPairs, match=r"low/ and high/.*short/ and long/"):
        find_pairs(tmp_path)


def test_sid_names_are_matched_by_their_scene(tmp_path):
    for name in (
        "short/00001_00_0.1s.ARW",
        "short/00001_01_0.1s.ARW",
        "short/00002_00_0.1s.ARW",
        "long/00001_00_10s.ARW",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [(dark.name[:8], Path(bright).name[:8]) for dark, bright in find_pairs(tmp_path).paths] == [
        ("00001_00", "00001_00"),
        ("00001_01", "00001_00"),
    ]


@pytest.mark.parametrize("kind", [dark_srgb, dark_mosaic])
def test_synthetic_pairs_share_gain_and_white_balance(kind):
    random = torch.Generator().manual_seed(5)
    pairs = kind(crops([photo()], 24, 64, random), random)
    assert torch.isfinite(pairs.planes).all()
    assert pairs.planes.min() >= INPUT_LOW
    assert (pairs.conditions[:, 0] >= 0).all()
    seen = in_quad(pairs.planes).reshape(24, 3, -1).mean(2)
    wanted = pairs.target.reshape(24, 3, -1).mean(2)
    calm = pairs.conditions[:, 1] < 0.3
    assert calm.sum() >= 4
    assert ((seen - wanted)[calm].abs().median()) < 0.02


def test_packing_is_undone_by_the_shuffle():
    picture = torch.rand(2, 3, 16, 32)
    assert torch.equal(torch.nn.functional.pixel_shuffle(pack(picture), 2), picture)


def test_networks_that_come_with_the_project_tell_which_photos_they_saw():
    photos = sha256(SHIPPED.with_name("photos.csv").read_bytes()).hexdigest()
    assert {load_weights(path).facts["photos"] for path in NETWORKS.values()} == {photos}
    assert [load_weights(path).dims["width"] for path in NETWORKS.values()] == [16, 24]
    assert sum(path.stat().st_size for path in NETWORKS.values()) < 10_000_000


@pytest.mark.parametrize("weights", NETWORKS.values(), ids=NETWORKS.keys())
@pytest.mark.parametrize("name", ["torch", "openvino"])
def test_the_shipped_weights_beat_their_own_input(name, weights):
    ratio, clean = 24.0, decode(data.astronaut()[:256, 128:384] / 255) * 0.5
    random = np.random.default_rng(0)
    dark = clean / ratio + random.normal(0, 1, clean.shape) * np.sqrt(2e-4 * clean / ratio + 1e-6)
    codes = (255 * encode(dark)).clip(0, 255).round().astype(np.uint8)
    out = np.zeros_like(codes)
    load_engine(name, threads=2, weights=weights).enhance(codes, rgb_raster(256, 256), ratio, out, lambda _: None)
    wanted = (255 * toned(encode(clean), ratio)).round().astype(np.uint8)
    given = (255 * toned(encode(ratio * decode(codes / 255)), ratio)).round().astype(np.uint8)
    assert psnr(out, wanted) > psnr(given, wanted) + 2
