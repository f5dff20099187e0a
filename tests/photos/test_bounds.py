"""What a photo may cost: scans without end, memory, and the largest photo that must still pass."""

import dataclasses
import mmap
import os

import numpy as np
import pytest
from PIL import Image

from photos.buffer import encoded_bound
from photos.codec import Codec
from photos.errors import UnreadablePhoto
from photos.limits import Limits
from tests.photos import profiles
from tests.photos.making import many_scans, photo_fd, saved, scene, tiff
from tests.photos.reading import buffer, probed, refusal


def test_a_jpeg_of_endless_scans_is_too_slow(codec):
    bomb = many_scans(4000, 2000)
    assert len(bomb) < 40_000_000
    assert probed(codec, bomb).width == 4000
    fd = photo_fd(bomb)
    facts = codec.probe(fd, deadline_s=60)
    with buffer(facts.pixel_bytes) as pixels:
        assert refusal(lambda: codec.decode(fd, facts, pixels, deadline_s=1.0)) == "photo_too_slow"
    os.close(fd)


def test_a_photo_that_needs_more_memory_than_allowed_is_refused():
    data = saved(np.zeros((4000, 4000, 3), np.uint8), "PNG", compress_level=1)
    fd = photo_fd(data)
    with Codec(sandbox="strict") as codec:
        facts = codec.probe(fd, deadline_s=60)
    with (
        Codec(sandbox="strict", limits=Tight()) as codec,
        buffer(facts.pixel_bytes) as pixels,
        pytest.raises(UnreadablePhoto) as caught,
    ):
        codec.decode(fd, facts, pixels, deadline_s=60)
    os.close(fd)
    assert caught.value.code == "photo_needs_too_much_memory"


class Tight(Limits):
    def address_space(self, *, file_bytes, pixel_bytes):
        return 16 << 20


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("format_", "depth"), [("jpeg", 8), ("png", 8), ("webp", 8), ("tiff", 8), ("png", 16), ("tiff", 16)]
)
def test_the_largest_photo_fits_the_default_limits(format_, depth):
    """64 MP go in and out, turned, with transparency, within the memory that a child may use."""
    height, width = 7999, 8000
    tile = np.tile(scene(800, 800), (10, 10, 1))[:height, :width]
    if depth == 16:
        tile = tile.astype(np.uint16) * 257
    alpha = np.full((height, width, 1), 200 * (257 if depth == 16 else 1), tile.dtype)
    source = {
        "jpeg": lambda: saved(tile, "JPEG", quality=80, progressive=True, subsampling=0),
        "webp": lambda: saved(tile, "WEBP", quality=50, method=0),
        "tiff": lambda: tiff(tile, compression="zlib", predictor=True),
        "png": lambda: png_of(np.dstack((tile, alpha))),
    }[format_]()
    assert len(source) < Limits().file_bytes
    fd = photo_fd(source)
    with Codec(sandbox="strict") as codec:
        facts = codec.probe(fd, deadline_s=60)
        through(codec, fd, facts, format_, depth)
    os.close(fd)


def through(codec, fd, facts, format_, depth):
    with buffer(facts.pixel_bytes) as pixels, buffer(encoded_bound(facts, format_)) as out:
        raster = codec.decode(fd, facts, pixels, deadline_s=150)
        turned = dataclasses.replace(raster, orientation=6)
        length = codec.encode(pixels, turned, out, format=format_, depth=depth, source_fd=pixels, deadline_s=150)
        result = bytes(mmap.mmap(out, length))
    with Codec(sandbox="strict", limits=Limits(file_bytes=1 << 30)) as unlimited:
        assert probed(unlimited, result).oriented_size == (facts.height, facts.width)


def png_of(codes):
    import cv2

    done, data = cv2.imencode(".png", codes[..., [2, 1, 0, 3]], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["print", "wide", "scanned", "mixed with alpha"])
def test_the_largest_photo_whose_colours_are_converted_fits_too(kind):
    height, width = 7999, 8000
    tile = np.tile(scene(800, 800), (10, 10, 1))[:height, :width]
    source = {
        "print": lambda: saved(
            Image.merge("CMYK", [Image.fromarray(tile[..., at]) for at in (0, 1, 2, 0)]),
            "JPEG",
            quality=60,
            icc_profile=profiles.press(),
        ),
        "wide": lambda: saved(
            tile, "JPEG", quality=60, icc_profile=profiles.rgb(profiles.PROPHOTO, profiles.power(1.8))
        ),
        "scanned": lambda: saved(tile, "JPEG", quality=60, icc_profile=profiles.scanner()),
        "mixed with alpha": lambda: tiff(
            np.dstack((tile, tile[..., :1])), extrasamples=["assocalpha"], compression="zlib", predictor=True
        ),
    }[kind]()
    fd = photo_fd(source)
    with Codec(sandbox="strict", limits=Limits(file_bytes=1 << 30)) as codec:
        facts = codec.probe(fd, deadline_s=60)
        with buffer(facts.pixel_bytes) as pixels:
            raster = codec.decode(fd, facts, pixels, deadline_s=150)
    os.close(fd)
    assert (raster.width, raster.height) == (width, height)
