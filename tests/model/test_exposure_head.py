"""A look grows out of nothing as the gain does, leaves grey grey, and repairs a cast only where it is one."""

import numpy as np
import pytest
import torch

from model.exposure_head import PLAIN, blend, load_head, wanted_look, wanted_ratio
from model.impression import impression
from model.light import LUMA, decode, encode
from model.rendering import look as look_of_tensors
from model.rendering import rendered
from model.tone import toned

STEP = float(decode(1 / 255))
GAIN = 50


def things(seed=1, colour=0.35):
    """A neutral room full of things of all colours, linear light [120, 180, 3]."""
    random = np.random.default_rng(seed)
    room = np.full((120, 180, 3), 0.35)
    for _ in range(40):
        top, left = random.integers(0, 100), random.integers(0, 150)
        thing = random.uniform(0.05, 0.6) * np.exp(random.normal(0, colour, 3))
        room[top : top + random.integers(8, 24), left : left + random.integers(8, 36)] = thing
    return room


def sunset():
    down = np.linspace(0, 1, 120)[:, None, None]
    glow = np.exp(-(((down - 0.55) / 0.4) ** 2)) * np.array([0.9, 0.35, 0.05]) + 0.1 * (1 - down) * np.array(
        [0.5, 0.6, 1]
    )
    sky = np.broadcast_to(glow, (120, 180, 3)).copy()
    sky[75:] = (0.03, 0.022, 0.02)
    return sky


def neon():
    random = np.random.default_rng(3)
    street = np.full((120, 180, 3), 0.01)
    for colour in ((1, 0.1, 0.8), (0.1, 0.6, 1), (1, 0.2, 0.15), (0.2, 1, 0.3)):
        for _ in range(4):
            top, left = random.integers(0, 110), random.integers(0, 150)
            street[top : top + 5, left : left + 30] = colour
    return street


def blue_sky():
    picture = things(2)
    picture[:70] = np.array([0.2, 0.35, 0.7]) * np.linspace(0.6, 1, 70)[:, None, None]
    return picture


def dusk():
    """The blue hour: blue all over, and not by mistake."""
    down = np.linspace(0, 1, 120)[:, None, None]
    picture = np.broadcast_to(np.array([0.05, 0.12, 0.3]) * (0.3 + down), (120, 180, 3)).copy()
    picture[95:] = (0.012, 0.02, 0.035)
    return picture


def photographed(light, gain=GAIN):
    """As an 8-bit camera gives it, with a little noise, back in linear light."""
    noise = np.random.default_rng(0).normal(0, 1, light.shape) * np.sqrt(light / gain * 2e-6 + 1e-9)
    return decode((255 * encode((light / gain + noise).clip(0, 1))).round() / 255)


def developed(dark, ratio=None, *, plain=False):
    """Encoded picture of linear light through the shipped head, noise left as it is."""
    seen = impression(dark, STEP, linear=False)
    used = wanted_ratio(seen, load_head()) if ratio is None else ratio
    look = PLAIN if plain else wanted_look(seen, used, load_head())
    mixed = encode(used * (dark + look.lift)) @ (np.eye(3) if look.blend is None else look.blend.T)
    return toned(mixed, used, look.contrast)


def cast(picture):
    """Log of red and blue against green, over the frame."""
    mean = picture.reshape(-1, 3).mean(0)
    return np.log(mean[[0, 2]] / mean[1])


def chroma(picture):
    return float(np.abs(picture - (picture @ LUMA)[..., None]).mean())


def test_at_ratio_one_nothing_changes():
    assert wanted_look(impression(things(), STEP, linear=False), 1.0, load_head()) is PLAIN


def test_a_look_is_smooth_in_the_ratio():
    seen = impression(photographed(things()), STEP, linear=False)
    looks = [wanted_look(seen, float(ratio), load_head()) for ratio in np.geomspace(1.0001, 300, 800)]
    assert abs(looks[0].contrast - 1) < 1e-3
    assert np.abs(looks[0].blend - np.eye(3)).max() < 1e-3
    assert np.abs(np.diff([look.contrast for look in looks])).max() < 0.02
    assert np.abs(np.diff([look.blend for look in looks], axis=0)).max() < 0.02


def test_a_blend_keeps_the_luma_of_grey_and_grey_without_a_cast_altogether():
    assert np.allclose(blend(0.7, np.zeros(3)) @ np.ones(3), 1, atol=1e-6)
    assert np.allclose(LUMA @ blend(0.7, np.array([0.2, 0.0, -0.1])) @ np.ones(3), 1, atol=1e-6)


def test_a_grey_photo_stays_grey():
    grey = photographed(np.repeat(things()[..., 1:2], 3, 2))
    grey[...] = grey[..., 1:2]
    picture = developed(grey)
    assert np.abs(picture - picture[..., 1:2]).max() < 1e-5


def test_a_uniform_cast_is_repaired_in_part():
    warm = photographed(things() * [1.8, 1.0, 0.4])
    before, after, true = cast(developed(warm, plain=True)), cast(developed(warm)), cast(encode(things()))
    assert np.abs(after - true).sum() < 0.9 * np.abs(before - true).sum()
    assert (np.sign(after) == np.sign(before)).all()


@pytest.mark.parametrize("scene", [sunset, neon, blue_sky, dusk])
def test_a_sunset_neon_a_blue_sky_and_dusk_keep_their_colours(scene):
    dark = photographed(scene(), 20)
    assert chroma(developed(dark, 20)) > 0.65 * chroma(developed(dark, 20, plain=True))


def test_a_neutral_room_stays_neutral():
    assert np.abs(cast(developed(photographed(things())))).max() < 0.12


def test_shadows_that_lost_red_and_blue_are_less_green():
    room = things() * np.linspace(0.05, 1, 180)[None, :, None]
    lost = decode((255 * encode((room / 100 - [3e-4, 0, 3e-4]).clip(0, 1))).round() / 255)
    shadow = encode(100 * lost).mean(-1) < 0.3
    before, after = developed(lost, 100, plain=True)[shadow].mean(0), developed(lost, 100)[shadow].mean(0)
    assert after[1] - after[[0, 2]].mean() < 0.8 * (before[1] - before[[0, 2]].mean())


def test_the_tensors_that_train_it_render_as_it_does():
    dark = photographed(things())
    seen, arrays = impression(dark, STEP, linear=False), load_head()
    answer = np.linspace(-1, 1, 7)
    looks = look_of_tensors(
        torch.tensor(answer)[None].float(),
        torch.tensor([5.0]),
        torch.tensor(seen.casts)[None].float(),
        torch.tensor([seen.lost]).float(),
    )
    found = rendered(torch.tensor(dark.reshape(1, -1, 3)).float(), torch.tensor([5.0]), looks)[0].numpy()
    contrast, saturation, *rest = looks[0].double().numpy()
    mixed = encode(32 * (dark + rest[3:])) @ blend(float(np.exp(saturation)), np.array(rest[:3])).T
    wanted = toned(mixed, 32, float(np.exp(contrast))).reshape(-1, 3)
    assert np.abs(found - wanted).max() < 1e-3
    assert arrays["look.last.bias"].shape == answer.shape
