"""DNGs beyond the plain mosaic: black that changes along rows, no white balance, floating point, lossy and unknown."""

import struct

import numpy as np
import pytest

from photos.errors import UnreadablePhoto
from tests.photos import profiles
from tests.photos.making import LINEAR_RAW, dng, saved
from tests.photos.reading import decoded, probed

COUNTS = np.random.default_rng(0).integers(600, 15000, (48, 64), dtype=np.uint16)
COMPRESSION, PHOTOMETRIC, OFFSETS, BYTES, NEUTRAL, MATRIX = 259, 262, 273, 279, 50728, 50721
SHORT, LONG = 3, 4
DELTA_H, DELTA_V, CROP_ORIGIN, CROP_SIZE, LINEARIZATION = 50715, 50716, 50719, 50720, 50712
LOSSY, JPEG_XL, DEFLATE = 34892, 52546, 8


def entry(data, number):
    """Where the tag of that number stands in the first directory."""
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    places = range(first + 2, first + 2 + 12 * count, 12)
    return next(at for at in places if struct.unpack_from("<H", data, at) == (number,))


def with_tag(data, number, value):
    at = entry(data, number)
    return data[: at + 2] + struct.pack("<HII", LONG, 1, value) + data[at + 12 :]


def without_tag(data, number):
    """The tag made one that nobody knows."""
    at = entry(data, number)
    return data[:at] + struct.pack("<H", 60_000) + data[at + 2 :]


def with_pixels(data, compression, pixels):
    """The same raw with one strip of compressed pixels."""
    data = with_tag(data, OFFSETS, len(data))
    data = with_tag(data, BYTES, len(pixels))
    return with_tag(data, COMPRESSION, compression) + pixels


def refused(codec, data):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, data)
    return caught.value


@pytest.mark.parametrize(("tag", "count"), [(DELTA_V, 48), (DELTA_H, 64)])
def test_black_that_changes_from_line_to_line_counts_with_its_mean(codec, tag, count):
    steps = [(index % 4) * 8 for index in range(count)]
    rationals = tuple(value for step in steps for value in (step, 1))
    _, raster, codes, _ = decoded(codec, dng(COUNTS, black=(512,) * 4, tags=[(tag, "2i", count, rationals, True)]))
    assert raster.black == (524.0,) * 4
    assert np.array_equal(codes, COUNTS)


def test_a_default_crop_takes_no_pixel_away(codec):
    crop = [(CROP_ORIGIN, "H", 2, (8, 8), True), (CROP_SIZE, "H", 2, (40, 30), True)]
    facts, _, codes, _ = decoded(codec, dng(COUNTS, tags=crop))
    assert (facts.width, facts.height) == (64, 48)
    assert np.array_equal(codes, COUNTS)


def test_without_a_neutral_the_balance_is_that_of_daylight(codec):
    _, raster, _, _ = decoded(codec, without_tag(dng(COUNTS), NEUTRAL))
    # What this camera sees of D65, by its own matrix: see CAMERA_FROM_XYZ.
    assert raster.white_balance == pytest.approx((2.10, 1.0, 1.06), abs=0.02)


def test_without_neutral_and_matrix_nothing_is_balanced(codec):
    _, raster, codes, _ = decoded(codec, without_tag(without_tag(dng(COUNTS), NEUTRAL), MATRIX))
    assert raster.white_balance == (1.0, 1.0, 1.0)
    assert np.array_equal(codes, COUNTS)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_floating_point_mosaic_arrives_as_counts(codec, dtype):
    share = COUNTS / 16000
    _, raster, codes, _ = decoded(codec, dng(share.astype(dtype), black=(0,) * 4, white=1))
    assert np.abs(codes / raster.white - share).max() < 1e-3


def test_a_floating_point_linear_raw_arrives_as_the_whole_numbers_do(codec):
    y, x = np.mgrid[:48, :64]
    counts = (1000 + np.stack((x * 90, y * 120, x * 40 + y * 50), -1)).astype(np.uint16)
    _, _, whole, _ = decoded(codec, dng(counts, photometric=LINEAR_RAW, white=16000, tags=NO_BLACK))
    shares = (counts / 16000).astype(np.float32)
    _, _, codes, _ = decoded(codec, dng(shares, photometric=LINEAR_RAW, white=1, tags=NO_BLACK))
    assert np.abs(codes.astype(int) - whole).max() < 200  # LibRaw keeps 14 bits


NO_BLACK = [(50714, "H", 3, (0, 0, 0), True)]


def test_a_table_of_counts_is_applied(codec):
    table = [(LINEARIZATION, "H", 256, tuple(range(0, 256 * 64, 64)), True)]
    small = (COUNTS >> 6).astype(np.uint8)
    _, _, codes, _ = decoded(codec, dng(small, black=(8,) * 4, white=250, tags=table))
    assert np.array_equal(codes, small.astype(np.uint16) * 64)


def test_a_lossy_linear_raw_is_read(codec):
    """JPEG inside, with the sRGB curve where no opcode names another."""
    y, x = np.mgrid[:64, :64]
    counts = np.stack((120 + x, 120 + y, 110 + (x + y) // 2), -1).astype(np.uint8)
    jpeg = saved(counts, "JPEG", quality=98, subsampling=0)
    _, _, codes, _ = decoded(codec, with_pixels(linear_raw(counts, 255), LOSSY, jpeg))
    light = np.rint(profiles.srgb_light(counts / 255) * 65535).astype(np.uint16)
    _, _, reference, _ = decoded(codec, linear_raw(light, 65535))
    assert reference.mean() > 10_000
    assert np.abs(codes.astype(int) - reference).mean() < 600  # of 65535: two codes of 255


def linear_raw(counts, white):
    return dng(counts, photometric=LINEAR_RAW, white=white, tags=NO_BLACK)


@pytest.mark.parametrize("compression", [JPEG_XL, 34713, 12345])
def test_a_compression_that_libraw_does_not_know_is_refused_with_the_cure(codec, compression):
    error = refused(codec, with_tag(dng(COUNTS), COMPRESSION, compression))
    assert error.code == "unsupported_format"
    assert "compression" in error.detail


@pytest.mark.parametrize("compression", [LOSSY, DEFLATE])
def test_pixels_that_are_not_what_their_tag_says_are_refused(codec, compression):
    assert refused(codec, with_tag(dng(COUNTS), COMPRESSION, compression)).code == "unreadable_photo"
