import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos.facts import PhotoFacts
from photos.raster import METADATA_KEYS, Raster
from photos.record import MalformedRecord

FACTS = PhotoFacts(format="png", width=30, height=20, orientation=6, layout="rgb", depth=16, grey=False, alpha=True)
MOSAIC = Raster(
    layout="mosaic",
    width=30,
    height=20,
    depth=16,
    curve="linear",
    cfa="GRBG",
    black=(512.0, 520.0, 528.0, 536.0),
    white=16000,
    white_balance=(2.0, 1.0, 1.5),
    colour_matrix=(1.6, -0.5, -0.1, -0.2, 1.5, -0.3, 0.0, -0.4, 1.4),
    orientation=8,
    metadata={"make": "Firstlight", "iso": "3200"},
)
RGB = Raster(layout="rgb", width=30, height=20, depth=8, curve="srgb", white=255, alpha=True)


@pytest.mark.parametrize("record", [FACTS, MOSAIC, RGB], ids=["facts", "mosaic", "rgb"])
def test_facts_survive_json(record):
    assert type(record).from_json(json.loads(json.dumps(record.to_json()))) == record


@pytest.mark.parametrize("record", [FACTS, MOSAIC, RGB], ids=["facts", "mosaic", "rgb"])
def test_a_missing_field_is_malformed(record):
    needed = {field.name for field in dataclasses.fields(record)} - {"cfa"}
    for name in needed:
        fields = record.to_json()
        del fields[name]
        with pytest.raises(MalformedRecord):
            type(record).from_json(fields)


@pytest.mark.parametrize(
    "lie",
    [
        {"width": 0},
        {"width": 20_001},
        {"width": True},
        {"width": 30.0},
        {"height": "20"},
        {"depth": 12},
        {"layout": "planar"},
        {"curve": "srgb"},
        {"cfa": "RGBG"},
        {"cfa": None},
        {"black": [0, 0, 0]},
        {"black": [0, 0, 0, 16000]},
        {"black": [0, 0, 0, float("nan")]},
        {"white": float("inf")},
        {"white": 65536},
        {"white_balance": [2, 0.9, 1.5]},
        {"white_balance": [0, 1, 1]},
        {"colour_matrix": [1] * 8},
        {"colour_matrix": [1e9] + [0] * 8},
        {"grey": 1},
        {"alpha": True},
        {"orientation": 0},
        {"orientation": 9},
        {"metadata": {"gps": "here"}},
        {"metadata": {"make": 5}},
        {"metadata": {"make": "x" * 1000}},
        {"metadata": []},
    ],
)
def test_a_raster_that_lies_is_malformed(lie):
    with pytest.raises(MalformedRecord):
        Raster.from_json({**MOSAIC.to_json(), **lie})


@pytest.mark.parametrize(
    "lie",
    [
        {"white": 254},
        {"black": [1, 0, 0, 0]},
        {"cfa": "RGGB"},
        {"white_balance": [2, 1, 1]},
        {"metadata": {"colour_space": "purple"}},
    ],
)
def test_a_picture_has_no_sensor(lie):
    with pytest.raises(MalformedRecord):
        Raster.from_json({**RGB.to_json(), **lie})


@pytest.mark.parametrize(
    "lie", [{"format": "gif"}, {"layout": "mosaic", "depth": 8}, {"layout": "mosaic", "alpha": True}]
)
def test_facts_that_lie_are_malformed(lie):
    with pytest.raises(MalformedRecord):
        PhotoFacts.from_json({**FACTS.to_json(), **lie})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from(sorted(METADATA_KEYS)), inner),
    max_leaves=9,
)


@given(st.sampled_from(sorted(MOSAIC.to_json())), JSON)
def test_any_json_is_either_a_raster_or_malformed(name, value):
    try:
        raster = Raster.from_json({**MOSAIC.to_json(), name: value})
    except MalformedRecord:
        return
    raster.check()


@given(JSON)
def test_any_json_is_either_facts_or_malformed(value):
    with pytest.raises(MalformedRecord):
        PhotoFacts.from_json(value)


def test_the_buffer_holds_colour_then_alpha():
    assert FACTS.pixel_bytes == 30 * 20 * 4 * 2
    assert RGB.colour_bytes == 30 * 20 * 3
    assert RGB.pixel_bytes == 30 * 20 * 4
    assert MOSAIC.pixel_bytes == 30 * 20 * 2


def test_orientations_from_5_on_swap_the_sides():
    assert FACTS.oriented_size == (20, 30)
    assert dataclasses.replace(FACTS, orientation=4).oriented_size == (30, 20)
