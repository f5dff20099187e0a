import io
import struct

import numpy as np
import pytest
from PIL import Image

from photos.errors import UnreadablePhoto
from tests.photos.making import chunk, png, saved, scene, tiff
from tests.photos.reading import decoded, probed

RGB = scene()
GREY = RGB[..., 0]
ALPHA = np.random.default_rng(1).integers(0, 256, GREY.shape, dtype=np.uint8)
DEEP = RGB.astype(np.uint16) * 257 + np.arange(RGB.size, dtype=np.uint16).reshape(RGB.shape) % 251 // 2
DEEP_ALPHA = ALPHA.astype(np.uint16) * 257


def three(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def refused(codec, data):
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, data)
    return caught.value.code


# Kinds: data, expected colour, alpha, depth, grey
palette = Image.fromarray(RGB).quantize(64)
palette_rgb = np.asarray(palette.convert("RGB"))
all_but_3 = np.where(np.asarray(palette) == 3, 0, 255)
black_or_white = Image.fromarray(GREY).convert("1")
grey_alpha = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(ALPHA)))
KINDS = {
    "png rgb": (saved(RGB, "PNG"), RGB, None, 8, False),
    "png grey": (saved(GREY, "PNG"), three(GREY), None, 8, True),
    "png 1 bit": (saved(black_or_white, "PNG"), three(np.uint8(255) * np.asarray(black_or_white)), None, 8, True),
    "png palette": (saved(palette, "PNG"), palette_rgb, None, 8, False),
    "png palette with a clear colour": (saved(palette, "PNG", transparency=3), palette_rgb, all_but_3, 8, False),
    "png rgb with alpha": (saved(np.dstack((RGB, ALPHA)), "PNG"), RGB, ALPHA, 8, False),
    "png grey with alpha": (saved(grey_alpha, "PNG"), three(GREY), ALPHA, 8, True),
    "png rgb with a clear colour": (saved(RGB, "PNG", transparency=(1, 2, 3)), RGB, np.full(GREY.shape, 255), 8, False),
    "png 16 bit rgb": (png(DEEP, 2, 16), DEEP, None, 16, False),
    "png 16 bit grey": (png(DEEP[..., :1], 0, 16), three(DEEP[..., 0]), None, 16, True),
    "png 16 bit rgb with alpha": (png(np.dstack((DEEP, DEEP_ALPHA)), 6, 16), DEEP, DEEP_ALPHA, 16, False),
    "png 16 bit grey with alpha": (
        png(np.dstack((DEEP[..., 0], DEEP_ALPHA)), 4, 16),
        three(DEEP[..., 0]),
        DEEP_ALPHA,
        16,
        True,
    ),
    "png 16 bit rgb with a clear colour": (png(DEEP, 2, 16, chunk(b"tRNS", bytes(6))), DEEP, None, 16, False),
    "png grey with a clear grey": (saved(GREY, "PNG", transparency=7), three(GREY), None, 8, True),
    "webp": (saved(RGB, "WEBP", lossless=True), RGB, None, 8, False),
    "webp with alpha": (saved(np.dstack((RGB, ALPHA)), "WEBP", lossless=True, exact=True), RGB, ALPHA, 8, False),
    "tiff rgb": (tiff(RGB), RGB, None, 8, False),
    "tiff grey": (tiff(GREY), three(GREY), None, 8, True),
    "tiff rgb with alpha": (tiff(np.dstack((RGB, ALPHA)), extrasamples=["unassalpha"]), RGB, ALPHA, 8, False),
    "tiff deflate": (tiff(RGB, compression="zlib", predictor=True), RGB, None, 8, False),
    "tiff lzw": (saved(RGB, "TIFF", compression="tiff_lzw"), RGB, None, 8, False),
    "tiff tiled": (tiff(RGB, tile=(16, 16)), RGB, None, 8, False),
    "tiff palette": (saved(palette, "TIFF"), palette_rgb, None, 8, False),
    "tiff white is zero": (tiff(255 - GREY, photometric="miniswhite"), three(GREY), None, 8, True),
    "tiff 16 bit rgb": (tiff(DEEP), DEEP, None, 16, False),
    "tiff 16 bit big-endian": (tiff(DEEP, byteorder=">"), DEEP, None, 16, False),
    "tiff planes apart": (tiff(np.moveaxis(RGB, 2, 0).copy(), planarconfig="separate"), RGB, None, 8, False),
    "tiff 16 bit grey": (tiff(DEEP[..., 0]), three(DEEP[..., 0]), None, 16, True),
    "tiff 16 bit white is zero": (
        tiff(65535 - DEEP[..., 0], photometric="miniswhite"),
        three(DEEP[..., 0]),
        None,
        16,
        True,
    ),
    "tiff 16 bit rgb with alpha": (
        tiff(np.dstack((DEEP, DEEP_ALPHA)), extrasamples=["unassalpha"]),
        DEEP,
        DEEP_ALPHA,
        16,
        False,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_code_of_a_picture_arrives(codec, kind):
    data, colour, alpha, depth, grey = KINDS[kind]
    facts, raster, codes, plane = decoded(codec, data)
    assert (facts.width, facts.height) == (64, 48)
    assert (facts.depth, facts.grey, facts.alpha, facts.orientation) == (depth, grey, alpha is not None, 1)
    assert (raster.curve, raster.white) == ("srgb", (1 << depth) - 1)
    assert np.array_equal(codes, colour)
    assert plane is None if alpha is None else np.array_equal(plane, alpha)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"restart_marker_rows": 1}])
def test_a_jpeg_arrives_within_its_own_loss(codec, options):
    data = saved(RGB, "JPEG", quality=95, **options)
    _, raster, codes, _ = decoded(codec, data)
    reference = np.asarray(Image.open(io.BytesIO(data)))
    assert not raster.grey
    assert np.abs(codes.astype(int) - reference).max() <= 8  # two builds of one library may round otherwise
    assert np.abs(codes.astype(int) - reference).mean() < 0.5


def test_a_phones_jpeg_with_more_behind_it_is_one_picture(codec):
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(2)]
    with_preview = saved(frames[0], "MPO", save_all=True, append_images=frames[1:])
    with_film = saved(frames[0], "JPEG") + b"\0\0\0\x18ftypmp42" + bytes(5000)
    for data in (with_preview, with_film):
        facts, _, codes, _ = decoded(codec, data)
        assert (facts.format, facts.width, facts.height) == ("jpeg", 64, 48)
        assert np.abs(codes.astype(int) - scene(seed=0)).mean() < 5


def test_a_jpeg_stored_as_rgb_keeps_its_colours(codec):
    _, _, codes, _ = decoded(codec, saved(RGB, "JPEG", quality=100, keep_rgb=True))
    assert np.abs(codes.astype(int) - RGB).mean() < 1


def test_a_grey_jpeg_stays_grey(codec):
    facts, _, codes, _ = decoded(codec, saved(GREY, "JPEG", quality=95))
    assert facts.grey
    assert (codes[..., 0] == codes[..., 1]).all()
    assert (codes[..., 0] == codes[..., 2]).all()


@pytest.mark.parametrize("exif", [b"", Image.Exif().tobytes()])
def test_a_lossy_webp_keeps_its_transparency(codec, exif):
    facts, _, _, alpha = decoded(codec, saved(np.dstack((RGB, ALPHA)), "WEBP", quality=90, exif=exif))
    assert facts.alpha
    assert np.array_equal(alpha, ALPHA)
    opaque = probed(codec, saved(RGB, "WEBP", quality=90, exif=exif))
    assert not opaque.alpha


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_told_and_not_applied(codec, format_, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if format_ == "JPEG" else {"lossless": True}
    facts, raster, codes, _ = decoded(codec, saved(RGB, format_, exif=exif, **options))
    assert facts.orientation == raster.orientation == orientation
    assert codes.shape == RGB.shape
    assert np.abs(codes.astype(int) - RGB).mean() < 3
    assert facts.oriented_size == ((64, 48) if orientation < 5 else (48, 64))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("codes", [RGB, GREY, DEEP, DEEP[..., 0]], ids=["rgb", "grey", "deep rgb", "deep grey"])
def test_a_tiff_arrives_upright(codec, orientation, codes):
    turned = {
        1: codes,
        2: codes[:, ::-1],
        3: codes[::-1, ::-1],
        4: codes[::-1],
        5: codes.swapaxes(0, 1),
        6: np.rot90(codes, -1),
        7: codes[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(codes),
    }[orientation]
    _, raster, stored, _ = decoded(codec, tiff(codes, extratags=[(274, "H", 1, orientation, True)]))
    assert raster.orientation == 1
    assert np.array_equal(stored, turned if turned.ndim == 3 else three(turned))


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_animations_are_refused(codec, format_):
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(3)]
    data = saved(frames[0], format_, save_all=True, append_images=frames[1:], duration=100)
    assert refused(codec, data) == "animated_photo"


def test_several_pages_are_refused_but_a_thumbnail_is_no_page(codec):
    pages = [Image.fromarray(scene(seed=seed)) for seed in range(2)]
    assert refused(codec, saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])) == "animated_photo"
    out = io.BytesIO()
    import tifffile

    with tifffile.TiffWriter(out) as file:
        file.write(RGB, photometric="rgb", metadata=None)
        file.write(RGB[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
    _, _, codes, _ = decoded(codec, out.getvalue())
    assert np.array_equal(codes, RGB)


TRUNCATED = {
    "jpeg": saved(RGB, "JPEG", quality=95),
    "progressive jpeg": saved(RGB, "JPEG", quality=95, progressive=True),
    "png": saved(RGB, "PNG"),
    "16 bit png": png(DEEP, 2, 16),
    "webp": saved(RGB, "WEBP"),
    "lossless webp": saved(RGB, "WEBP", lossless=True),
    "tiff": tiff(RGB),
    "16 bit tiff": tiff(DEEP),
    "deflated tiff": tiff(DEEP, compression="zlib"),
}


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", TRUNCATED)
def test_a_photo_cut_off_is_refused_and_not_half_grey(codec, kind, kept):
    data = TRUNCATED[kind]
    assert refused(codec, data[: int(len(data) * kept)]) in {"unreadable_photo", "unsupported_format"}


def test_a_jpeg_without_its_end_is_refused(codec):
    assert refused(codec, TRUNCATED["jpeg"][:-2]) == "unreadable_photo"


def test_a_damaged_png_is_refused(codec):
    data = bytearray(TRUNCATED["png"])
    data[len(data) // 2] ^= 0xFF
    assert refused(codec, bytes(data)) == "unreadable_photo"


def test_a_photo_that_is_not_what_was_probed_is_refused(codec):
    facts = probed(codec, saved(RGB, "PNG"))
    for other in (saved(RGB[:40], "PNG"), saved(RGB.swapaxes(0, 1), "PNG"), saved(GREY, "PNG"), saved(RGB, "JPEG")):
        with pytest.raises(UnreadablePhoto) as caught:
            decoded(codec, other, facts)
        assert caught.value.code == "unreadable_photo"


def test_a_header_that_lies_about_its_size_is_refused(codec):
    data = bytearray(png(RGB, 2, 8))
    header = struct.pack(">IIBBBBB", 64, 4000, 8, 2, 0, 0, 0)
    data[8:33] = chunk(b"IHDR", header)
    assert refused(codec, bytes(data)) == "unreadable_photo"


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (15, 64, "photo_too_small"),
        (64, 15, "photo_too_small"),
        (20_001, 16, "photo_too_wide"),
        (8001, 8000, "too_many_pixels"),
    ],
)
def test_sizes_out_of_bounds_are_refused_from_the_header_alone(codec, width, height, code):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, data)
    assert caught.value.code == code


def test_the_smallest_photo_is_read(codec):
    _, _, codes, _ = decoded(codec, saved(RGB[:16, :16], "PNG"))
    assert np.array_equal(codes, RGB[:16, :16])


def test_a_real_photo_is_read(codec):
    from skimage import data

    photo = data.astronaut()
    _, _, codes, _ = decoded(codec, saved(photo, "JPEG", quality=97, subsampling=0))
    assert np.abs(codes.astype(int) - photo).mean() < 2
