"""Our own reader of profiles, fed what an attacker would."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos.icc_reading import read_icc
from tests.photos import profiles

GOOD = (
    profiles.rgb(profiles.ADOBE, profiles.power(2.2)),
    profiles.rgb(profiles.P3, profiles.SRGB_PARAMETRIC),
    profiles.rgb(profiles.PROPHOTO, profiles.sampled(lambda codes: codes**1.8, 32)),
    profiles.grey(profiles.sampled(lambda codes: codes**2, 16), b"Lab "),
    profiles.tabled(b"CMYK", 4, lambda inks: inks[:, :3] * 50, 2),
)


@pytest.mark.parametrize("profile", GOOD)
def test_what_is_good_is_read(profile):
    assert read_icc(profile) is not None


@given(st.sampled_from(GOOD), st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=12), st.data())
def test_no_bytes_make_the_reader_fail_or_a_curve_leave_its_range(profile, changes, data):
    damaged = bytearray(profile[: data.draw(st.integers(0, len(profile)))] if data.draw(st.booleans()) else profile)
    for at, value in changes:
        if at < len(damaged):
            damaged[at] = value
    found = read_icc(bytes(damaged))
    if found is None:
        return
    codes = np.linspace(0, 1, 301)
    for curve in found.curves:
        light = curve(codes)
        assert np.isfinite(light).all()
        assert light.min() >= 0
        assert light.max() <= 1
    if found.matrix is not None:
        assert np.isfinite(np.linalg.inv(found.matrix)).all()


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_curves_of_few_samples_are_read(count):
    samples = {0: b"", 1: struct.pack(">H", 512), 2: b"\0\0\xff\xff"}.get(count)
    block = samples if samples is not None else profiles.sampled(lambda codes: codes**2, 7)[12:]
    found = read_icc(profiles.grey(b"curv" + struct.pack(">4xI", count) + block))
    wanted = {0: 0.5, 1: 0.25, 2: 0.5, 7: 0.25}[count]
    assert float(found.curves[0](np.array([0.5]))[0]) == pytest.approx(wanted, abs=0.01)


def test_a_profile_too_large_is_none():
    assert read_icc(GOOD[0] + bytes(4 << 20)) is None
