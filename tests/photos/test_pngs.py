"""PNGs of few bits, palettes half transparent, and our own writer against two readers."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from photos.png_writing import write_png
from tests.photos.making import chunk
from tests.photos.reading import decoded

RNG = np.random.default_rng(5)


def few_bits(codes, bits, colour_type, before_pixels=b""):
    """A PNG of [H, W] codes of 1, 2 or 4 bits."""
    height, width = codes.shape
    spread = (codes[..., None] >> np.arange(bits - 1, -1, -1) & 1).reshape(height, -1).astype(np.uint8)
    rows = np.packbits(spread, axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    chunks = chunk(b"IHDR", header) + before_pixels + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_greys_of_few_bits_span_the_whole_range(codec, bits):
    codes = RNG.integers(0, 1 << bits, (20, 33))
    facts, _, found, _ = decoded(codec, few_bits(codes, bits, 0))
    assert (facts.depth, facts.grey) == (8, True)
    assert np.array_equal(found[..., 0], codes * (255 // ((1 << bits) - 1)))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_palettes_of_few_bits_have_their_colours_and_their_transparency(codec, bits):
    codes = RNG.integers(0, 1 << bits, (20, 33))
    colours = RNG.integers(0, 256, (1 << bits, 3), dtype=np.uint8)
    alphas = RNG.integers(0, 256, (1 << bits) - 1, dtype=np.uint8)  # the last colour is opaque by default
    before = chunk(b"PLTE", colours.tobytes()) + chunk(b"tRNS", alphas.tobytes())
    facts, _, found, alpha = decoded(codec, few_bits(codes, bits, 3, before))
    assert facts.alpha
    assert np.array_equal(found, colours[codes])
    assert np.array_equal(alpha, np.append(alphas, 255)[codes])


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("height", [1, 64, 65, 200])
def test_our_writer_is_read_by_others(dtype, channels, height):
    top = np.iinfo(dtype).max
    codes = RNG.integers(0, top, (height, 37, channels), dtype=dtype, endpoint=True)
    codes[height // 2 :] = codes[height // 2]
    out = io.BytesIO()
    write_png(codes[..., 0] if channels == 1 else codes, out, icc=None, exif=None)
    data = np.frombuffer(out.getvalue(), np.uint8)
    seen = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    wanted = {
        1: lambda: codes[..., 0],
        2: lambda: codes[..., (0, 0, 0, 1)],
        3: lambda: codes[..., ::-1],
        4: lambda: codes[..., (2, 1, 0, 3)],
    }[channels]()
    assert np.array_equal(seen, wanted)
    if dtype == np.uint8:
        assert np.array_equal(np.asarray(Image.open(out)).reshape(codes.shape), codes)
