import io
import mmap

import numpy as np
import pytest
import tifffile
from PIL import Image

from photos.buffer import encoded_bound
from photos.errors import UnreadablePhoto
from photos.raster import Raster
from tests.photos.making import png, saved, scene, tiff
from tests.photos.reading import buffer, decoded, encoded

RGB = scene()
DEEP = RGB.astype(np.uint16) * 257
ALPHA = np.random.default_rng(1).integers(0, 256, RGB.shape[:2], dtype=np.uint8)


def raster(codes=RGB, **fields):
    depth = codes.itemsize * 8
    height, width = codes.shape[:2]
    meaning = {"layout": "rgb", "curve": "srgb", "depth": depth, "white": float((1 << depth) - 1)}
    return Raster(width=width, height=height, **{**meaning, **fields})


def opened(data):
    return Image.open(io.BytesIO(data))


def codes_of(data, format_, depth):
    if format_ == "tiff":
        return tifffile.imread(io.BytesIO(data))
    if depth == 16:
        import cv2

        read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        return read if read.ndim == 2 else read[..., [2, 1, 0, 3][: read.shape[2]]]
    return np.asarray(opened(data))


LOSSLESS = [("png", RGB), ("png", DEEP), ("tiff", RGB), ("tiff", DEEP)]


@pytest.mark.parametrize(("format_", "codes"), LOSSLESS)
def test_every_code_is_written(codec, format_, codes):
    data = encoded(codec, codes, raster(codes), format_)
    assert np.array_equal(codes_of(data, format_, codes.itemsize * 8), codes)


@pytest.mark.parametrize("format_", ["jpeg", "webp"])
def test_a_lossy_result_stays_close(codec, format_):
    data = encoded(codec, RGB, raster(), format_)
    image = opened(data)
    assert image.format.lower() == format_
    assert np.abs(np.asarray(image).astype(int) - RGB).mean() < 4


def test_a_jpeg_keeps_the_colour_of_every_pixel(codec):
    lamps = np.zeros((64, 64, 3), np.uint8)
    lamps[::8, ::8] = (255, 40, 0)
    written = np.asarray(opened(encoded(codec, lamps, raster(lamps), "jpeg"))).astype(int)
    assert (written[::8, ::8, 0] - written[::8, ::8, 2]).min() > 180


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["png", "tiff"])
def test_the_result_is_upright(codec, orientation, format_):
    exif = Image.Exif()
    exif[0x0112] = orientation
    from PIL import ImageOps

    upright = np.asarray(ImageOps.exif_transpose(opened(saved(RGB, "PNG", exif=exif))))
    data = encoded(codec, RGB, raster(orientation=orientation), format_)
    assert np.array_equal(codes_of(data, format_, 8), upright)
    assert opened(data).getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    ("format_", "codes", "mode"),
    [
        ("jpeg", RGB, "L"),
        ("png", RGB, "L"),
        ("png", DEEP, "I;16"),
        ("tiff", RGB, "L"),
        ("tiff", DEEP, "I;16"),
        ("webp", RGB, "RGB"),
    ],
)
def test_a_grey_photo_is_written_grey(codec, format_, codes, mode):
    grey = np.repeat(codes[..., :1], 3, axis=2)
    data = encoded(codec, grey, raster(codes, grey=True), format_)
    assert opened(data).mode == mode
    if format_ in {"png", "tiff"}:
        assert np.array_equal(codes_of(data, format_, codes.itemsize * 8), codes[..., 0])


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize(("format_", "codes"), [*LOSSLESS, ("webp", RGB)])
def test_transparency_is_put_back(codec, format_, codes, grey):
    depth = codes.itemsize * 8
    alpha = ALPHA if depth == 8 else ALPHA.astype(np.uint16) * 257
    if grey:
        codes = np.repeat(codes[..., :1], 3, axis=2)
    data = encoded(codec, codes, raster(codes, grey=grey, alpha=True), format_, alpha)
    written = codes_of(data, format_, depth)
    assert np.array_equal(written[..., -1], alpha)


def test_transparency_changes_depth_with_the_result(codec):
    deep = raster(DEEP, alpha=True)
    pixels = RGB
    with buffer(pixels.nbytes) as shallow, buffer(deep.pixel_bytes) as source, buffer(1 << 20) as out:
        mmap.mmap(shallow, 0)[:] = pixels.tobytes()
        mmap.mmap(source, 0)[deep.colour_bytes :] = (ALPHA.astype(np.uint16) * 257).tobytes()
        length = codec.encode(shallow, deep, out, format="png", depth=8, source_fd=source, deadline_s=30)
        assert np.array_equal(codes_of(mmap.mmap(out, 0)[:length], "png", 8)[..., 3], ALPHA)


def test_a_jpeg_lays_transparency_on_white(codec):
    alpha = np.zeros(RGB.shape[:2], np.uint8)
    alpha[:, 32:] = 255
    written = np.asarray(opened(encoded(codec, RGB, raster(alpha=True), "jpeg", alpha))).astype(int)
    assert written[:, :24].min() > 250
    assert np.abs(written[:, 40:] - RGB[:, 40:]).mean() < 3


METADATA = {
    "make": "Firstlight",
    "model": "Test Camera",
    "exposure_time": "0.0125",
    "f_number": "2.8",
    "iso": "3200",
    "focal_length": "35",
    "date": "2026:11:22 21:30:00",
}


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_camera_exposure_and_date_are_written_anew(codec, format_):
    exif = opened(encoded(codec, RGB, raster(metadata=METADATA, orientation=6), format_)).getexif()
    inner = {**exif, **exif.get_ifd(0x8769)}
    assert (inner[0x010F], inner[0x0110]) == ("Firstlight", "Test Camera")
    assert float(inner[0x829A]) == pytest.approx(0.0125)
    assert float(inner[0x829D]) == pytest.approx(2.8)
    assert inner[0x8827] == 3200
    assert float(inner[0x920A]) == pytest.approx(35)
    assert inner[0x0132] == "2026:11:22 21:30:00"
    assert inner.get(0x0112, 1) == 1


def private_exif():
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Firstlight", "Test Camera"
    exif[0x013B], exif[0x8298] = "SECRET artist", "SECRET copyright"
    exif[0x8769] = {
        0xA431: "SECRET serial",
        0xA430: "SECRET owner",
        0x927C: b"SECRET maker note",
        0x9286: b"SECRET comment",
        0x829A: 0.5,
    }
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0), 29: "SECRET gps"}
    return exif


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_nothing_else_of_the_metadata_leaves(codec, source, format_):
    data = saved(RGB, source, exif=private_exif(), comment="SECRET note", xmp=b"<x>SECRET xmp</x>")
    assert b"SECRET" in data
    _, meaning, colour, _ = decoded(codec, data)
    assert set(meaning.metadata) == {"make", "model", "exposure_time"}
    result = encoded(codec, colour, meaning, format_)
    assert b"SECRET" not in result
    exif = opened(result).getexif()
    assert not exif.get_ifd(0x8825)
    assert 0x927C not in exif.get_ifd(0x8769)


def test_a_damaged_exif_does_not_stand_in_the_way(codec):
    block = private_exif().tobytes()
    for cut in (10, 30, 60):
        _, meaning, colour, _ = decoded(codec, saved(RGB, "JPEG", exif=block[:cut], quality=95))
        assert meaning.orientation == 1
        assert colour.shape == RGB.shape


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_the_same_codes_give_the_same_bytes(codec, format_):
    meaning = raster(metadata=METADATA)
    assert encoded(codec, RGB, meaning, format_) == encoded(codec, RGB, meaning, format_)


def test_a_webp_too_wide_is_refused_with_the_cure(codec):
    wide = np.zeros((16, 16_384, 3), np.uint8)
    with pytest.raises(UnreadablePhoto) as caught:
        encoded(codec, wide, raster(wide), "webp")
    assert caught.value.code == "bad_format"
    assert "JPEG" in caught.value.detail


@pytest.mark.parametrize("format_", ["jpeg", "png", "webp", "tiff"])
def test_noise_fits_its_bound(codec, format_):
    codes = np.random.default_rng(0).integers(0, 65536, (256, 256, 4), dtype=np.uint16)
    facts, meaning, _, _ = decoded(codec, png(codes, 6, 16))
    depth = 16 if format_ in {"png", "tiff"} else 8
    colour = codes[..., :3] if depth == 16 else (codes[..., :3] >> 8).astype(np.uint8)
    data = encoded(codec, colour, meaning, format_, codes[..., 3])
    assert len(data) < encoded_bound(facts, format_) - (4 << 20)


def test_a_whole_photo_comes_back_as_it_went(codec):
    _, meaning, colour, _ = decoded(codec, tiff(DEEP))
    assert np.array_equal(codes_of(encoded(codec, colour, meaning, "tiff"), "tiff", 16), DEEP)


@pytest.mark.parametrize(("format_", "depth"), [("jpeg", 16), ("webp", 16), ("png", 12), ("gif", 8)])
def test_a_format_without_that_depth_is_a_mistake(codec, format_, depth):
    with buffer(RGB.nbytes * 2) as pixels, buffer(1 << 20) as out, pytest.raises(ValueError, match="no"):
        codec.encode(pixels, raster(), out, format=format_, depth=depth, deadline_s=30)


def test_transparency_is_never_dropped_unasked(codec):
    with buffer(RGB.nbytes) as pixels, buffer(1 << 20) as out, pytest.raises(ValueError, match="alpha"):
        codec.encode(pixels, raster(alpha=True), out, format="png", depth=8, deadline_s=30)
