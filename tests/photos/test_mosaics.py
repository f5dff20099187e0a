import numpy as np
import pytest

from photos.errors import UnreadablePhoto
from tests.photos.making import CAMERA_FROM_XYZ, CFA_CODES, dng
from tests.photos.reading import decoded, probed

COUNTS = np.random.default_rng(0).integers(600, 15000, (48, 64), dtype=np.uint16)
BLACK = (512, 520, 528, 536)


@pytest.mark.parametrize("cfa", CFA_CODES)
def test_every_count_of_every_bayer_order_arrives(codec, cfa):
    facts, raster, mosaic, _ = decoded(codec, dng(COUNTS, cfa, black=BLACK))
    assert (facts.format, facts.layout, facts.depth) == ("raw", "mosaic", 16)
    assert np.array_equal(mosaic, COUNTS)
    assert raster.cfa == cfa
    assert raster.black == BLACK
    assert raster.white == 16000
    assert raster.curve == "linear"


@pytest.mark.parametrize("cfa", CFA_CODES)
@pytest.mark.parametrize(("top", "left"), [(2, 6), (4, 5), (3, 6), (3, 5)])
def test_masked_borders_are_left_out_and_the_pattern_moves_along(codec, cfa, top, left):
    facts, raster, mosaic, _ = decoded(codec, dng(COUNTS, cfa, black=(512,) * 4, active=(top, left, 46, 62)))
    # LibRaw begins at an even row and column inside the active area; wherever it does, the colours must agree.
    y, x = next(
        (y, x)
        for y in range(top, top + 2)
        for x in range(left, left + 2)
        if np.array_equal(mosaic, COUNTS[y : y + facts.height, x : x + facts.width])
    )
    assert raster.cfa == "".join(cfa[(y - top + at // 2) % 2 * 2 + (x - left + at % 2) % 2] for at in range(4))


@pytest.mark.parametrize("cfa", CFA_CODES)
def test_black_belongs_to_the_position_in_the_visible_area(codec, cfa):
    _, raster, _, _ = decoded(codec, dng(COUNTS, cfa, black=BLACK, active=(2, 6, 46, 62)))
    assert raster.black == BLACK


def test_odd_sides_stay_odd(codec):
    facts, _, mosaic, _ = decoded(codec, dng(COUNTS[:47, :63]))
    assert (facts.width, facts.height) == (63, 47)
    assert np.array_equal(mosaic, COUNTS[:47, :63])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_told_as_exif_counts_it(codec, orientation):
    facts = probed(codec, dng(COUNTS, orientation=orientation))
    assert facts.orientation == orientation
    assert (facts.width, facts.height) == (64, 48)


def test_white_balance_comes_from_the_camera(codec):
    _, raster, _, _ = decoded(codec, dng(COUNTS, neutral=(0.5, 1.0, 0.625)))
    assert raster.white_balance == pytest.approx((2.0, 1.0, 1.6), rel=1e-4)


def test_white_stays_white_and_colours_invert_the_camera(codec):
    _, raster, _, _ = decoded(codec, dng(COUNTS))
    matrix = np.array(raster.colour_matrix).reshape(3, 3)
    assert matrix.sum(axis=1) == pytest.approx(1, abs=1e-5)
    # sRGB red, seen by this camera and balanced for its white, must come back as sRGB red.
    xyz_of_red, xyz_of_white = np.array([0.4124564, 0.2126729, 0.0193339]), np.array([0.95047, 1.0, 1.08883])
    camera = np.array(CAMERA_FROM_XYZ)
    seen = (camera @ xyz_of_red) / (camera @ xyz_of_white)
    assert matrix @ seen == pytest.approx((1, 0, 0), abs=2e-3)


def test_camera_and_exposure_are_kept(codec):
    _, raster, _, _ = decoded(codec, dng(COUNTS))
    assert raster.metadata == {
        "make": "Firstlight",
        "model": "Test Camera",
        "exposure_time": "0.25",
        "iso": "3200",
    }


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_a_raw_cut_off_is_refused(codec, kept):
    data = dng(COUNTS)
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, data[: int(len(data) * kept)])
    assert caught.value.code in {"unreadable_photo", "unsupported_format"}


def test_a_raw_without_light_between_black_and_white_is_refused(codec):
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, dng(COUNTS, black=(16000,) * 4, white=16000))
    assert caught.value.code == "unreadable_photo"


@pytest.mark.parametrize(
    "head", [b"FUJIFILMCCD-RAW 0201FF", b"IIU\0\x18\0\0\0", b"FOVb\0\0\2\0", b"\0\0\0\x18ftypcrx "]
)
def test_a_raw_that_is_only_a_magic_is_refused(codec, head):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, head.ljust(512, b"\0"))
    assert caught.value.code in {"unreadable_photo", "unsupported_format"}


def test_a_raw_of_another_size_than_probed_is_refused(codec):
    facts = probed(codec, dng(COUNTS))
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, dng(COUNTS[:40]), facts)
    assert caught.value.code == "unreadable_photo"


def test_a_raw_larger_than_allowed_is_refused():
    from photos.codec import Codec
    from photos.limits import Limits

    with Codec(sandbox="strict", limits=Limits(pixels=3000)) as small, pytest.raises(UnreadablePhoto) as caught:
        probed(small, dng(COUNTS))
    assert caught.value.code == "too_many_pixels"
