"""Raws that are no 2×2 mosaic arrive as colours: X-Trans, linear DNG, monochrome."""

import numpy as np
import pytest

from photos.codec import Codec
from photos.errors import UnreadablePhoto
from photos.limits import Limits
from tests.photos.making import CAMERA_FROM_XYZ, LINEAR_RAW, XTRANS, dng, photo_fd
from tests.photos.reading import DEADLINE_S, buffer, decoded, probed

BLACK, WHITE, NEUTRAL = 512, 16000, (0.5, 1.0, 0.625)
XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
LEVELS = [(50714, "H", 3, (BLACK,) * 3, True)]


def seen(light):
    """Counts [H, W, 3] of a camera that looks at linear sRGB `light` and sees white as NEUTRAL says."""
    camera = np.array(CAMERA_FROM_XYZ) @ XYZ_FROM_SRGB
    camera /= camera.sum(axis=1, keepdims=True)
    counts = BLACK + light @ camera.T * NEUTRAL * (WHITE - BLACK)
    return np.clip(counts.round(), 0, WHITE).astype(np.uint16)


def light_of(codes):
    """IEC 61966-2-1, from 16-bit codes."""
    share = codes / 65535
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def gentle(height, width):
    """Linear sRGB without edges, so that any demosaic should find it again."""
    y, x = np.mgrid[:height, :width]
    return np.stack((0.2 + 0.1 * np.sin(x / 40), 0.3 + 0.1 * np.cos(y / 50), 0.25 + 0.1 * np.sin((x + y) / 60)), -1)


def xtrans(counts):
    """The one colour that each pixel of an X-Trans sensor sees."""
    y, x = np.mgrid[: counts.shape[0], : counts.shape[1]]
    return np.take_along_axis(counts, np.array(XTRANS)[y % 6, x % 6][..., None], 2)[..., 0]


def linear(light, **options):
    return dng(seen(light), photometric=LINEAR_RAW, tags=LEVELS, **options)


def test_a_linear_raw_arrives_in_its_colours(codec):
    light = gentle(48, 64)
    facts, raster, codes, _ = decoded(codec, linear(light))
    assert (facts.format, facts.layout, facts.depth, facts.grey) == ("raw", "rgb", 16, False)
    assert (raster.curve, raster.white, raster.cfa) == ("srgb", 65535, None)
    assert np.abs(light_of(codes) - light).max() < 2e-3


def test_a_dark_raw_is_not_brightened(codec):
    light = np.full((48, 64, 3), 0.004)
    _, _, codes, _ = decoded(codec, linear(light))
    assert np.abs(light_of(codes) - light).max() < 2e-4


def test_what_saturates_the_sensor_is_white_and_what_does_not_is_kept(codec):
    light = np.full((48, 64, 3), 0.97)
    light[:, 32:] = 50
    _, _, codes, _ = decoded(codec, linear(light))
    assert (codes[:, 32:] == 65535).all()
    assert np.abs(light_of(codes[:, :32]) - 0.97).max() < 2e-3


def test_an_xtrans_raw_arrives_in_its_colours(codec):
    light = gentle(520, 600)
    facts, _, codes, _ = decoded(codec, dng(xtrans(seen(light)), "XTRANS"))
    assert (facts.layout, facts.depth, facts.width, facts.height) == ("rgb", 16, 600, 520)
    assert np.abs(light_of(codes) - light)[8:-8, 8:-8].max() < 5e-3
    assert np.abs(light_of(codes) - light).max() < 5e-2  # at the border there is less to go by


def test_a_monochrome_raw_is_grey_and_its_white_balance_does_not_count(codec):
    share = np.linspace(0.1, 0.9, 48 * 64).reshape(48, 64)
    counts = (BLACK + share * (WHITE - BLACK)).astype(np.uint16)
    data = dng(counts, photometric=LINEAR_RAW, tags=[(50714, "H", 1, BLACK, True)])
    facts, raster, codes, _ = decoded(codec, data)
    assert facts.grey
    assert raster.grey
    assert (codes[..., 0] == codes[..., 1]).all()
    assert (codes[..., 0] == codes[..., 2]).all()
    assert np.abs(light_of(codes[..., 0]) - share).max() < 1e-3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_told_and_not_applied(codec, orientation):
    light = gentle(48, 64)
    facts, raster, codes, _ = decoded(codec, linear(light, orientation=orientation))
    assert facts.orientation == raster.orientation == orientation
    assert np.abs(light_of(codes) - light).max() < 2e-3


def test_camera_and_exposure_are_kept(codec):
    _, raster, _, _ = decoded(codec, linear(gentle(48, 64)))
    assert raster.metadata == {"make": "Firstlight", "model": "Test Camera", "exposure_time": "0.25", "iso": "3200"}


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.999])
def test_a_linear_raw_cut_off_is_refused(codec, kept):
    data = linear(gentle(48, 64))
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, data[: int(len(data) * kept)])
    assert caught.value.code in {"unreadable_photo", "unsupported_format"}


def test_an_xtrans_raw_too_small_to_interpolate_is_refused_by_the_probe(codec):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, dng(np.full((500, 600), 4000, np.uint16), "XTRANS"))
    assert caught.value.code == "unsupported_format"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["xtrans", "monochrome", "linear"])
def test_the_largest_raw_fits_the_default_limits(kind):
    """64 MP; not compressed, the linear one is larger than a file may be, so only that limit is lifted."""
    counts = np.tile(seen(gentle(800, 800)), (10, 10, 1))[:7999]
    data = {
        "xtrans": lambda: dng(xtrans(counts), "XTRANS"),
        "monochrome": lambda: dng(counts[..., 0].copy(), photometric=LINEAR_RAW),
        "linear": lambda: dng(counts, photometric=LINEAR_RAW),
    }[kind]()
    fd = photo_fd(data)
    with Codec(sandbox="strict", limits=Limits(file_bytes=1 << 30)) as codec:
        facts = codec.probe(fd, deadline_s=DEADLINE_S)
        with buffer(facts.pixel_bytes) as pixels:
            raster = codec.decode(fd, facts, pixels, deadline_s=60)
    assert (raster.layout, raster.width, raster.height) == ("rgb", 8000, 7999)
