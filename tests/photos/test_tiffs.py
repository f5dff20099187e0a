"""TIFF stores one picture in a hundred ways: each arrives code by code, or is refused with a sentence."""

import io
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from photos.errors import UnreadablePhoto
from tests.photos.making import saved, scene, tiff
from tests.photos.reading import decoded, encoded

RGB = scene()
RNG = np.random.default_rng(3)
ALPHA = RNG.integers(1, 256, RGB.shape[:2], dtype=np.uint8)
STORED = {
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 16)},
    "big-endian": {"byteorder": ">"},
    "deflated": {"compression": "zlib"},
    "deflated differences": {"compression": "zlib", "predictor": True, "byteorder": ">"},
    "planes apart": {"planarconfig": "separate"},
    "planes apart in tiles, deflated": {"planarconfig": "separate", "tile": (16, 16), "compression": "zlib"},
    "turned": {"extratags": [(274, "H", 1, 6, True)]},
}
KINDS = ("grey", "grey and alpha", "rgb", "rgb and alpha", "rgb mixed with alpha", "rgb and something")
COMPRESSION, EXTRA_SAMPLES, UNSPECIFIED = 259, 338, 0


def made(kind, depth):
    """(codes as stored, what tifffile is told, colours meant, alpha meant)."""
    dtype, scale = (np.uint8, 1) if depth == 8 else (np.uint16, 257)
    rgb, alpha = RGB.astype(dtype) * dtype(scale), ALPHA.astype(dtype) * dtype(scale)
    grey = rgb[..., 0]
    if kind == "grey":
        return grey, {}, three(grey), None
    if kind == "grey and alpha":
        options = {"photometric": "minisblack", "extrasamples": ["unassalpha"]}
        return np.dstack((grey, alpha)), options, three(grey), alpha
    if kind == "rgb":
        return rgb, {}, rgb, None
    if kind == "rgb mixed with alpha":
        mixed = np.rint(rgb * (alpha[..., None] / (255 * scale))).astype(dtype)
        return np.dstack((mixed, alpha)), {"extrasamples": ["assocalpha"]}, rgb, alpha
    means_alpha = kind == "rgb and alpha"
    options = {"extrasamples": ["unassalpha" if means_alpha else "unspecified"]}
    return np.dstack((rgb, alpha)), options, rgb, alpha if means_alpha else None


def three(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def refused(codec, data):
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, data)
    return caught.value


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", STORED)
def test_every_code_arrives_however_it_is_stored(codec, way, kind, depth):
    stored, options, colours, alpha = made(kind, depth)
    ways = dict(STORED[way])
    if "planarconfig" in ways:
        if stored.ndim == 2:
            del ways["planarconfig"]
        else:
            stored = np.moveaxis(stored, 2, 0).copy()
    if way == "turned":
        colours, alpha = np.rot90(colours, -1), None if alpha is None else np.rot90(alpha, -1)
    facts, _, codes, plane = decoded(codec, tiff(stored, **options, **ways))
    assert (facts.depth, facts.grey, facts.alpha) == (depth, kind.startswith("grey"), alpha is not None)
    assert plane is None if alpha is None else np.array_equal(plane, alpha)
    if kind == "rgb mixed with alpha":  # a code mixed with an alpha of 1/255 is one of two
        scale = 1 if depth == 8 else 257
        share = alpha.astype(float)[..., None] / (255 * scale)
        assert (np.abs(codes - colours.astype(float)) * share).max() <= 1
    else:
        assert np.array_equal(codes, colours)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "zstd", "lzma", "tiff_adobe_deflate"])
@pytest.mark.parametrize("kind", ["grey", "grey and alpha", "rgb", "rgb and alpha"])
def test_other_compressions_of_eight_bits_are_read(codec, compression, kind):
    stored, _, colours, alpha = made(kind, 8)
    data = saved(Image.fromarray(stored), "TIFF", compression=compression)
    facts, _, codes, plane = decoded(codec, data)
    assert facts.grey == kind.startswith("grey")
    assert np.array_equal(codes, colours)
    assert plane is None if alpha is None else np.array_equal(plane, alpha)


@pytest.mark.parametrize("grey", [False, True])
def test_a_jpeg_inside_a_tiff_is_read(codec, grey):
    _, _, codes, _ = decoded(codec, saved(RGB[..., 0] if grey else RGB, "TIFF", compression="jpeg", quality=95))
    assert np.abs(codes.astype(int) - (three(RGB[..., 0]) if grey else RGB)).mean() < 3


def test_a_fax_is_read_in_black_and_white(codec):
    page = Image.fromarray(RGB[..., 0]).convert("1")
    for compression in ("group4", "tiff_lzw", None):
        facts, _, codes, _ = decoded(codec, saved(page, "TIFF", compression=compression))
        assert facts.grey
        assert np.array_equal(codes, three(np.asarray(page) * np.uint8(255)))


@pytest.mark.parametrize("compression", ["tiff_lzw", None])
def test_sixteen_bits_in_lzw_are_read(codec, compression):
    deep = Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)
    _, _, codes, _ = decoded(codec, saved(deep, "TIFF", compression=compression))
    assert np.array_equal(codes, three(RGB[..., 0].astype(np.uint16) * 257))


def with_tag(data, number, value):
    """The same TIFF with a short tag changed."""
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    for at in range(first + 2, first + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at) == (number,):
            return data[: at + 8] + struct.pack("<H", value) + data[at + 10 :]
    raise AssertionError("no such tag")


LZW, ZSTD = 5, 50000


@pytest.mark.parametrize(
    ("kind", "options", "compression"),
    [
        ("grey and alpha", {}, LZW),
        ("rgb", {"planarconfig": "separate"}, LZW),
        ("rgb", {}, ZSTD),
        ("rgb and alpha", {"planarconfig": "separate"}, LZW),
    ],
)
def test_what_nobody_reads_right_is_refused_with_the_cure(codec, kind, options, compression):
    stored, told, _, _ = made(kind, 16)
    if options:
        stored = np.moveaxis(stored, 2, 0).copy()
    error = refused(codec, with_tag(tiff(stored, **told, **options), COMPRESSION, compression))
    assert error.code == "unsupported_format"
    assert "without compression" in error.detail


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int16, np.uint32])
def test_codes_that_are_no_bytes_and_no_shorts_are_refused(codec, dtype):
    error = refused(codec, tiff(RGB.astype(dtype)))
    assert error.code == "unsupported_format"
    assert "bits" in error.detail


def test_bigtiff_is_refused_by_name(codec):
    for byteorder in "<>":
        error = refused(codec, tiff(RGB, bigtiff=True, byteorder=byteorder))
        assert error.code == "unsupported_format"
        assert "BigTIFF" in error.detail


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_picture_with_a_strip_left_out_is_refused_and_not_black_there(codec, depth, options):
    stored, _, _, _ = made("rgb", depth)
    data = bytearray(tiff(stored, rowsperstrip=8, **options))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        offsets = file.pages.first.tags[273]
    data[offsets.valueoffset + 4 : offsets.valueoffset + 8] = bytes(4)
    assert refused(codec, bytes(data)).code == "unreadable_photo"


def test_our_own_results_are_read_again(codec):
    for kind in ("grey", "grey and alpha", "rgb", "rgb and alpha"):
        stored, options, colours, alpha = made(kind, 16)
        _, raster, codes, plane = decoded(codec, tiff(stored, **options))
        for format_ in ("tiff", "png"):
            _, again, codes_again, plane_again = decoded(codec, encoded(codec, codes, raster, format_, plane))
            assert again.grey == raster.grey
            assert np.array_equal(codes_again, colours)
            assert alpha is None or np.array_equal(plane_again, alpha)
