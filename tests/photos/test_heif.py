"""HEIC and AVIF: every code, turn, profile and refusal."""

import io
import struct
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from photos.errors import UnreadablePhoto
from tests.photos import profiles
from tests.photos.heic import colours, heic, icc, mirrored, turned
from tests.photos.making import saved, scene
from tests.photos.reading import decoded, encoded, probed

RGB = scene()
GREY = RGB[..., 0]
RNG = np.random.default_rng(0)
ALPHA = RNG.integers(0, 256, GREY.shape, dtype=np.uint8)
P3, BT709, SRGB_CURVE, PQ, HLG = 12, 1, 13, 16, 18
SRGB = colours(BT709, SRGB_CURVE)


def three(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def exif(orientation):
    block = Image.Exif()
    block[0x010F], block[0x0112], block[0x8825] = "Firstlight", orientation, {1: "N", 2: (48.0, 8.0, 0.0)}
    block[0x8769] = {0x829A: 0.5, 0x8827: 3200, 0xA431: "12345678"}
    return block


def avif(codes, **options):
    return saved(codes, "AVIF", quality=100, subsampling="4:4:4", **options)


def deep_avif(codes, bits):
    done, data = cv2.imencode(".avif", codes[..., ::-1], [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100])
    assert done
    return data.tobytes()


def luma(codes):
    """Colour codes as planes of luma and neutral chroma, so that nothing is rounded."""
    return [codes, np.full_like(codes, 1 << 7), np.full_like(codes, 1 << 7)]


def refused(codec, data):
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, data)
    return caught.value.code


@pytest.mark.parametrize("depth", [8, 10, 12])
def test_every_code_of_a_grey_heic_arrives(codec, depth):
    codes = RNG.integers(0, 1 << depth, (48, 64), dtype=np.uint16)
    facts, raster, colour, alpha = decoded(codec, heic([codes], depth))
    assert (facts.format, facts.width, facts.height, facts.grey) == ("heic", 64, 48, True)
    assert facts.depth == (8 if depth == 8 else 16)
    assert raster.white == (1 << facts.depth) - 1
    assert np.abs(colour - three(codes / ((1 << depth) - 1) * raster.white)).max() <= (0 if depth == 8 else 1)
    assert alpha is None


def test_a_coloured_heic_has_its_colours(codec):
    half = cv2.cvtColor(RGB, cv2.COLOR_RGB2YCrCb)
    planes = [half[..., 0], *(np.ascontiguousarray(half[::2, ::2, at]) for at in (2, 1))]
    for file in (heic(planes, properties=[SRGB]), heic(planes, properties=[SRGB], tiles=(2, 3))):
        facts, _, colour, _ = decoded(codec, file)
        assert not facts.grey
        assert np.abs(colour[:48, :64].astype(int) - RGB).mean() < 6  # noise of the chroma left out
        assert np.abs(colour[-48:, -64:].astype(int) - RGB).mean() < 6


def test_of_several_pictures_the_primary_one_is_taken(codec):
    facts, _, colour, _ = decoded(codec, heic([GREY], before=[GREY[:32, :32]]))
    assert (facts.width, facts.height) == (64, 48)
    assert np.array_equal(colour, three(GREY))


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_the_zygote_has_no_second_thread_with_all_libraries_loaded(codec):
    codec.warm()
    assert len(list(Path(f"/proc/{codec._open_line()._process.pid}/task").iterdir())) == 1


def test_sides_that_fill_no_block_are_cut(codec):
    facts, _, colour, _ = decoded(codec, heic([GREY[:42, :50]]))
    assert (facts.width, facts.height) == (50, 42)
    assert np.array_equal(colour, three(GREY[:42, :50]))


def test_transparency_of_a_heic_is_kept(codec):
    facts, _, colour, alpha = decoded(codec, heic(luma(GREY), alpha=ALPHA, properties=[SRGB]))
    assert facts.alpha
    assert np.array_equal(alpha, ALPHA)
    assert np.abs(colour.astype(int) - three(GREY)).max() <= 1


@pytest.mark.parametrize(
    ("properties", "turn"),
    [
        ((), lambda codes: codes),
        ((turned(1),), np.rot90),
        ((turned(2),), lambda codes: codes[::-1, ::-1]),
        ((turned(3),), lambda codes: np.rot90(codes, -1)),
        ((mirrored(0),), lambda codes: codes[::-1]),
        ((mirrored(1),), lambda codes: codes[:, ::-1]),
    ],
)
def test_a_heic_arrives_upright_and_exif_does_not_turn_it_again(codec, properties, turn):
    data = heic([GREY], properties=properties, exif=exif(6).tobytes())
    facts, raster, colour, _ = decoded(codec, data)
    assert facts.orientation == raster.orientation == 1
    assert np.array_equal(colour, three(turn(GREY)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_turn_of_an_avif_is_told_and_not_applied(codec, orientation):
    facts, raster, colour, _ = decoded(codec, avif(RGB, exif=exif(orientation)))
    assert facts.orientation == raster.orientation == orientation
    assert np.abs(colour.astype(int) - RGB).mean() < 2


@pytest.mark.parametrize("make", [lambda block: avif(RGB, exif=block), lambda block: heic([GREY], exif=block)])
def test_only_allowed_metadata_is_kept(codec, make):
    _, raster, _, _ = decoded(codec, make(exif(1).tobytes()))
    assert raster.metadata == {"make": "Firstlight", "exposure_time": "0.5", "iso": "3200"}


@pytest.mark.parametrize("bits", [10, 12])
def test_a_deep_avif_arrives_with_its_depth(codec, bits):
    ramp = np.linspace(0, (1 << bits) - 1, GREY.size).astype(np.uint16).reshape(GREY.shape)
    codes = np.dstack((ramp, ramp[::-1], ramp[:, ::-1]))
    facts, raster, colour, _ = decoded(codec, deep_avif(codes, bits))
    assert (facts.format, facts.depth, raster.white) == ("avif", 16, 65535)
    assert np.abs(colour / 65535 - codes / ((1 << bits) - 1)).mean() < 0.01
    assert np.unique(colour).size > 256


def test_an_avif_has_its_colours_grey_and_transparency(codec):
    _, _, colour, alpha = decoded(codec, avif(np.dstack((RGB, ALPHA))))
    assert np.abs(colour.astype(int) - RGB).mean() < 2
    assert np.abs(alpha.astype(int) - ALPHA).mean() < 1
    facts, _, colour, _ = decoded(codec, saved(GREY, "AVIF", quality=100))
    assert facts.grey
    assert np.abs(colour.astype(int) - three(GREY)).mean() < 2


@pytest.mark.parametrize(
    "make", [lambda profile: avif(RGB, icc_profile=profile), lambda p: heic(luma(GREY), properties=[icc(p)])]
)
def test_the_space_that_a_profile_says_is_kept(codec, make):
    _, raster, _, _ = decoded(codec, make(profiles.rgb(profiles.P3, profiles.SRGB_PARAMETRIC)))
    assert raster.metadata["colour_space"] == "display-p3"


def test_display_p3_by_number_becomes_a_profile_that_says_so(codec):
    _, raster, codes, _ = decoded(codec, heic(luma(GREY), properties=[colours(P3, SRGB_CURVE)]))
    block = Image.open(io.BytesIO(encoded(codec, codes, raster, "jpeg"))).info["icc_profile"]
    profile = ImageCms.ImageCmsProfile(io.BytesIO(block))
    assert ImageCms.getProfileDescription(profile).strip() == "Display P3"
    # Display P3's reddest red lies outside sRGB: within 0.001 of the primary that its definition adapts to D50.
    assert profile.profile.red_primary[0] == pytest.approx((0.5151, 0.2412, -0.0011), abs=1e-3)
    to_srgb = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    swatch = Image.new("RGB", (1, 1), (128, 128, 128))
    assert ImageCms.applyTransform(swatch, to_srgb).getpixel((0, 0)) == pytest.approx((128, 128, 128), abs=1)


def test_srgb_by_number_needs_no_profile(codec):
    _, raster, _, _ = decoded(codec, heic(luma(GREY), properties=[SRGB]))
    assert "colour_space" not in raster.metadata


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_the_curve_of_an_hdr_screen_is_refused(codec, curve):
    assert refused(codec, heic(luma(GREY), properties=[colours(9, curve)])) == "unsupported_format"


def test_the_colours_of_an_avif_by_number_count_too(codec):
    data = avif(RGB)
    srgb, p3, hdr = (b"nclx" + struct.pack(">HH", *points) for points in ((1, 13), (P3, 13), (9, PQ)))
    assert data.count(srgb) == 1
    assert "colour_space" not in decoded(codec, data)[1].metadata
    assert decoded(codec, data.replace(srgb, p3))[1].metadata["colour_space"] == "display-p3"
    assert refused(codec, data.replace(srgb, hdr)) == "unsupported_format"


def test_sequences_are_refused(codec):
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(3)]
    film = saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=100)
    assert refused(codec, film) == "animated_photo"
    assert refused(codec, heic([GREY], brand=b"hevc")) == "animated_photo"


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("data", [heic([GREY]), avif(RGB)], ids=["heic", "avif"])
def test_a_photo_cut_off_is_refused(codec, data, kept):
    assert refused(codec, data[: int(len(data) * kept)]) in {"unreadable_photo", "unsupported_format"}


def test_an_avif_that_calls_itself_heic_is_refused(codec):
    data = avif(RGB)
    assert refused(codec, data.replace(b"ftypavif", b"ftypheic")) == "unreadable_photo"


def test_a_heic_larger_than_allowed_is_refused_from_its_header(codec):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, heic([scene(512, 512)[..., 0]], tiles=(16, 16)))
    assert caught.value.code == "too_many_pixels"


@pytest.mark.slow
@pytest.mark.parametrize("depth", [8, 10])
def test_the_largest_heic_fits_the_default_limits(codec, depth):
    tile = RNG.integers(0, 1 << depth, (512, 512), dtype=np.uint16)
    chroma = [np.ascontiguousarray(tile[::2, ::2])] * 2
    facts, _, colour, _ = decoded(codec, heic([tile, *chroma], depth, tiles=(15, 16)))
    assert facts.megapixels > 62
    assert np.array_equal(colour[:512, :512], colour[-512:, -512:])
