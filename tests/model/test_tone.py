"""The tone curve keeps the dark as it is, never blows a lamp, and does nothing when nothing was gained."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.tone import KNEE, PIVOT, brightest, contrasted, previewed, tone_table, toned

ratios = st.floats(1, 300)
contrasts = st.floats(0.6, 1.65)
"""As far as the head goes."""
GOLDEN = json.loads((Path(__file__).parent / "tone_golden.json").read_text())


@given(ratios, contrasts)
def test_brighter_light_is_always_a_brighter_code(ratio, contrast):
    codes = toned(np.linspace(0, brightest(ratio), 500), ratio, contrast)
    assert (np.diff(codes) > 0).all()
    assert abs(codes[0]) < 1e-12
    assert np.isclose(codes[-1], 1)


@given(ratios, st.floats(0, KNEE))
def test_below_the_knee_a_picture_is_only_gained(ratio, value):
    assert np.isclose(toned(value, ratio), value, rtol=1e-12)


def test_at_ratio_one_every_code_comes_back():
    assert np.allclose(toned(np.arange(256) / 255, 1.0), np.arange(256) / 255)


@given(ratios, st.floats(0.6, 1.25))
def test_a_lamp_keeps_its_shape(ratio, contrast):
    core, rim = toned([brightest(ratio), 0.8 * brightest(ratio)], ratio, contrast)
    assert core - rim > 1 / 255


@given(contrasts)
def test_contrast_turns_around_its_pivot(contrast):
    assert np.isclose(contrasted(PIVOT, contrast), PIVOT)
    assert (contrasted(PIVOT / 2, contrast) <= PIVOT / 2) == (contrast >= 1)


def test_low_contrast_does_not_lift_black_without_bound():
    assert contrasted(0.004, 0.6) < 0.02


@given(st.floats(1, 299), contrasts)
def test_a_slider_moves_the_picture_smoothly(ratio, contrast):
    value = 0.5 * brightest(ratio)
    assert abs(toned(value, ratio, contrast) - toned(value, ratio * 1.003, contrast)) < 0.005


def test_the_table_ends_at_white():
    assert tone_table(30.0, 255)[[0, -1]].tolist() == [0, 255]
    assert tone_table(30.0, 65535, 0.8)[-1] == pytest.approx(65535)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['ratio']}×, contrast {case['contrast']}")
def test_the_preview_gives_the_codes_that_every_twin_must_give(case):
    blend = None if case["blend"] is None else np.array(case["blend"], np.float32)
    found = previewed(np.array(case["codes"], np.uint8), case["ratio"], case["contrast"], case["lift"], blend)
    assert np.array_equal(found, case["result"])
