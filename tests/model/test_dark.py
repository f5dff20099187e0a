"""The synthetic cameras do to a photo what dark cameras do, and the loss asks for what was lost."""

import pytest
import torch
from skimage import data
from torch.nn import functional

from model.dark_mosaic import sensor
from model.dark_srgb import CODE, black, blotches, dark_srgb, jpeg
from model.light import encode
from model.loss import missing_texture, restoration_loss
from model.smear import SHARE, smeared
from model.synthesis import crops, exposures, uniform
from model.tensors import decode


def random():
    return torch.Generator().manual_seed(11)


def roughness(planes):
    return (planes[..., 1:] - planes[..., :-1]).std((1, 2, 3))


def test_code_is_the_light_of_the_first_code():
    assert encode(CODE) * 255 == pytest.approx(1, abs=0.01)


def test_cameras_take_some_black_off_some_photos_and_colours_differ():
    taken = black(4000, random()) / CODE
    untouched = (taken == 0).all(1).float().mean()
    assert 0.3 < untouched < 0.55
    assert (taken.mean(1) < -0.01).float().mean() < 0.12
    assert taken.mean(1).quantile(0.98) > 1.2
    assert taken.std(1).flatten().quantile(0.8) > 0.05


def test_a_denoiser_takes_noise_and_leaves_edges():
    draw, count = random(), 40
    clean = torch.full((count, 3, 32, 32), 0.05)
    clean[..., 16:] = 0.6
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=draw)
    gain = torch.full((count, 1, 1, 1), 20.0)
    smooth = smeared(noisy / gain, gain, torch.full_like(clean, 0.02), draw) * gain
    changed = (smooth - noisy).abs().amax((1, 2, 3)) > 1e-4
    assert abs(changed.float().mean() - SHARE) < 0.2
    assert (roughness(smooth[changed][..., :12]) < 0.9 * roughness(noisy[changed][..., :12])).all()
    step = smooth[..., 18:].mean((1, 2, 3)) - smooth[..., :14].mean((1, 2, 3))
    assert (step > 0.5).all()


def test_blotches_have_colour_and_no_luma():
    field = blotches(torch.Size([30, 3, 64, 64]), random())
    assert field.std() > 0.05
    assert field.mean(1).abs().max() < 1e-5
    assert (field.std((1, 2, 3)) == 0).float().mean() > 0.4


def test_a_jpeg_keeps_the_picture_in_place():
    photo = torch.tensor(data.astronaut()[:64, 200:264].copy()).permute(2, 0, 1).float()
    for seed in range(5):
        back = jpeg(photo, torch.Generator().manual_seed(seed))
        assert back.shape == photo.shape
        assert 0 < (back - photo).abs().mean() < 8


def test_many_gains_are_those_that_hurt():
    for peaked in (True, False):
        gain, _ = exposures(4000, random(), peaked=peaked)
        assert ((gain > 30) & (gain < 200)).float().mean() > 0.3
        assert (gain < 1.5).float().mean() > 0.1
        assert gain.min() >= 1
        assert gain.max() <= 300


def test_a_sensor_adds_noise_that_grows_with_its_gain():
    draw = random()
    counts = torch.full((200, 4, 8, 8), 200.0)
    calm, rough = (sensor(counts, torch.full((200, 1, 1, 1), gain), draw).std() for gain in (0.1, 10.0))
    assert rough > 3 * calm


def test_the_target_is_the_input_without_the_camera():
    photo = data.astronaut()[:256, 128:384].copy()
    pairs = dark_srgb(crops([photo], 16, 64, random()), random())
    assert pairs.planes.shape == (16, 12, 32, 32)
    given = functional.pixel_shuffle(pairs.planes, 2).clamp(0, 1)
    assert torch.isfinite(given).all()
    wanted = pairs.target.clamp(0, 1)
    similar = torch.stack(
        [torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1] for a, b in zip(given, wanted, strict=True)]
    )
    assert similar.median() > 0.8
    assert decode(wanted).max() <= 1


def test_smoothed_texture_costs_and_texture_is_free():
    texture = 0.5 + 0.1 * torch.randn(2, 3, 32, 32, generator=random())
    smooth = functional.avg_pool2d(texture, 3, 1, 1)
    assert missing_texture(texture, texture) == 0
    assert missing_texture(smooth, texture) > 0.01
    other = 0.5 + 0.1 * torch.randn(2, 3, 32, 32, generator=random().manual_seed(2))
    assert missing_texture(other, texture) < missing_texture(smooth, texture) / 2
    assert restoration_loss(smooth, texture) > restoration_loss(texture, texture)


def test_uniform_keeps_its_promise():
    values = uniform(1000, 2, 3, random())
    assert values.shape == (1000, 1, 1, 1)
    assert values.min() >= 2
    assert values.max() <= 3
