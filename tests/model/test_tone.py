"""The tone curve keeps the dark as it is, never blows a lamp, and does nothing when nothing was gained."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.tone import KNEE, brightest, tone_table, toned

ratios = st.floats(1, 300)


@given(ratios)
def test_brighter_light_is_always_a_brighter_code(ratio):
    codes = toned(np.linspace(0, brightest(ratio), 500), ratio)
    assert (np.diff(codes) > 0).all()
    assert codes[0] == 0
    assert np.isclose(codes[-1], 1)


@given(ratios, st.floats(0, KNEE))
def test_below_the_knee_a_picture_is_only_gained(ratio, value):
    assert np.isclose(toned(value, ratio), value, rtol=1e-12)


def test_at_ratio_one_every_code_comes_back():
    assert np.allclose(toned(np.arange(256) / 255, 1.0), np.arange(256) / 255)


@given(ratios)
def test_a_lamp_keeps_its_shape(ratio):
    core, rim = toned([brightest(ratio), 0.8 * brightest(ratio)], ratio)
    assert core - rim > 1 / 255


def test_the_table_ends_at_white():
    assert tone_table(30.0, 255)[[0, -1]].tolist() == [0, 255]
    assert tone_table(30.0, 65535)[-1] == 65535
