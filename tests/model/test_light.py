"""The two curves are each other's inverse, and meet the standard's points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from model.light import decode, encode


@given(st.floats(-10, 300))
def test_decoding_undoes_encoding(value):
    assert np.isclose(decode(encode(value)), value, rtol=1e-6, atol=1e-9)


def test_black_white_and_middle_grey_lie_where_srgb_has_them():
    assert encode(0.0) == 0
    assert np.isclose(encode(1.0), 1)
    assert np.isclose(encode(0.2140411), 0.5, atol=1e-4)


@given(st.floats(0, 300))
def test_light_below_black_mirrors_light_above(value):
    assert encode(-value) == -encode(value)
