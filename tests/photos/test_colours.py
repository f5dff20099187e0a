"""Colours survive whatever profile says them, and no byte of a stranger's profile leaves."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from photos.errors import UnreadablePhoto
from tests.photos import profiles
from tests.photos.heic import colours, heic
from tests.photos.making import chunk, png, saved, scene, tiff
from tests.photos.reading import decoded, encoded

RGB = scene()
DEEP = RGB.astype(np.uint16) * 257
GREY = RGB[..., 0]
SRGB_TABLE = profiles.sampled(profiles.srgb_light)
DOT_GAIN = profiles.sampled(lambda codes: np.clip(codes**1.75 * 0.9 + codes * 0.1, 0, 1), 256)

# profile → the space in which its codes are kept
KEPT = {
    "sRGB of a thousand steps": (profiles.rgb(profiles.SRGB, SRGB_TABLE), "srgb"),
    "sRGB by formula": (profiles.rgb(profiles.SRGB, profiles.SRGB_PARAMETRIC), "srgb"),
    "sRGB of few steps": (profiles.rgb(profiles.SRGB, profiles.sampled(profiles.srgb_light, 64)), "srgb"),
    "sRGB primaries, gamma 2.2": (profiles.rgb(profiles.SRGB, profiles.power(2.2)), "gamma-2.2"),
    "Adobe RGB": (profiles.rgb(profiles.ADOBE, profiles.power(563 / 256)), "adobe-rgb"),
    "Display P3": (profiles.rgb(profiles.P3, profiles.SRGB_PARAMETRIC), "display-p3"),
}
# profile, curve to light, primaries → the space that codes are converted to
CONVERTED = {
    "linear sRGB": (profiles.LINEAR, lambda c: c, profiles.SRGB, "srgb"),
    "ProPhoto": (profiles.power(1.8), lambda c: c ** (461 / 256), profiles.PROPHOTO, "display-p3"),
    "Apple RGB": (profiles.power(1.8), lambda c: c ** (461 / 256), profiles.APPLE, "display-p3"),
    "linear P3": (profiles.parametric(0, 1.0), lambda c: c, profiles.P3, "display-p3"),
    "Adobe primaries, sRGB curve": (SRGB_TABLE, profiles.srgb_light, profiles.ADOBE, "display-p3"),
    "rec. 709 curve": (
        profiles.parametric(3, 1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081),
        lambda c: np.where(c < 0.081, c / 4.5, ((c + 0.099) / 1.099) ** (1 / 0.45)),
        profiles.SRGB,
        "srgb",
    ),
}
GREYS = {
    "gamma 2.2": (profiles.grey(profiles.power(2.2)), "gamma-2.2", None),
    "sRGB curve": (profiles.grey(SRGB_TABLE), "srgb", None),
    "dot gain": (profiles.grey(DOT_GAIN), "srgb", lambda c: np.clip(c**1.75 * 0.9 + c * 0.1, 0, 1)),
    "gamma 1.8": (profiles.grey(profiles.power(1.8)), "srgb", lambda c: c ** (461 / 256)),
    "lightness": (profiles.grey(profiles.LINEAR, b"Lab "), "srgb", lambda c: lightness(c * 100)),
}
MATRICES = {"srgb": profiles.SRGB, "adobe-rgb": profiles.ADOBE, "display-p3": profiles.P3, "gamma-2.2": profiles.SRGB}
MAKERS = {
    "jpeg": lambda codes, profile: saved(codes, "JPEG", quality=100, subsampling=0, icc_profile=profile),
    "png": lambda codes, profile: saved(codes, "PNG", icc_profile=profile),
    "webp": lambda codes, profile: saved(codes, "WEBP", lossless=True, icc_profile=profile),
    "tiff": lambda codes, profile: tiff(codes, iccprofile=profile),
    "lzw tiff": lambda codes, profile: saved(codes, "TIFF", compression="tiff_lzw", icc_profile=profile),
    "avif": lambda codes, profile: saved(codes, "AVIF", quality=100, subsampling="4:4:4", icc_profile=profile),
}


def lightness(value):
    return np.where(value > 8, ((value + 16) / 116) ** 3, value * 27 / 24389)


def space_light(space, share):
    gamma = {"adobe-rgb": 563 / 256, "gamma-2.2": 2.2}.get(space)
    return share**gamma if gamma else profiles.srgb_light(share)


def lab_of(codes, space):
    """L*a*b* of codes in one of our spaces, by its makers' published numbers and not by ours."""
    share = codes / np.iinfo(codes.dtype).max
    return profiles.lab(space_light(space, share) @ MATRICES[space].T)


def difference(one, other):
    return np.linalg.norm(one - other, axis=-1)


def opened(data):
    return Image.open(io.BytesIO(data))


def named(profile):
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()


@pytest.mark.parametrize("name", KEPT)
def test_codes_of_a_known_space_are_kept_and_the_space_is_named(codec, name):
    profile, space = KEPT[name]
    _, raster, codes, _ = decoded(codec, saved(RGB, "PNG", icc_profile=profile))
    assert np.array_equal(codes, RGB)
    assert raster.metadata["colour_space"] == space


@pytest.mark.parametrize("format_", MAKERS)
def test_every_format_tells_its_profile(codec, format_):
    _, raster, codes, _ = decoded(codec, MAKERS[format_](RGB, KEPT["Display P3"][0]))
    assert raster.metadata["colour_space"] == "display-p3"
    assert raster.depth == 8
    assert np.abs(codes.astype(int) - RGB).mean() < 2


@pytest.mark.parametrize("result", ["jpeg", "png", "webp", "tiff"])
@pytest.mark.parametrize("name", ["Adobe RGB", "Display P3", "ProPhoto", "dot gain", "gamma 2.2"])
def test_a_result_has_a_profile_of_ours_and_no_byte_of_the_sources(codec, name, result):
    if name in GREYS:
        source = saved(GREY, "PNG", icc_profile=GREYS[name][0])
    elif name in KEPT:
        source = saved(RGB, "PNG", icc_profile=KEPT[name][0])
    else:
        curve, _, matrix, _ = CONVERTED[name]
        source = saved(RGB, "PNG", icc_profile=profiles.rgb(matrix, curve))
    _, raster, codes, _ = decoded(codec, source)
    shown = codes if codes.itemsize == 1 else (codes >> 8).astype(np.uint8)
    data = encoded(codec, shown, raster, result)
    profile = opened(data).info["icc_profile"]
    assert b"SECRET" not in data
    assert len(profile) < 800
    title = {"Adobe RGB": "Compatible with Adobe RGB (1998)", "Display P3": "Display P3", "ProPhoto": "Display P3"}
    grey_titles = {"dot gain": "sRGB", "gamma 2.2": "Gamma 2.2"}
    if name in grey_titles:
        assert named(profile) == (grey_titles[name] if result == "webp" else f"Grey: {grey_titles[name]}")
    else:
        assert named(profile) == title[name]
    _, again, _, _ = decoded(codec, data)
    assert again.metadata["colour_space"] == raster.metadata["colour_space"]


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("name", CONVERTED)
def test_colours_of_other_spaces_survive_their_conversion(codec, name, deep):
    curve, light, matrix, space = CONVERTED[name]
    # Colours that the target can hold, in the codes of the source.
    held = profiles.srgb_light(0.15 + 0.7 * DEEP / 65535) @ np.linalg.solve(matrix, profiles.SRGB).T
    share = np.linspace(0, 1, 1 << 16)
    wanted = np.interp(np.clip(held, 0, 1), light(share), share)
    codes = np.rint(wanted * (65535 if deep else 255)).astype(np.uint16 if deep else np.uint8)
    profile = profiles.rgb(matrix, curve)
    data = tiff(codes, iccprofile=profile) if deep else saved(codes, "PNG", icc_profile=profile)
    facts, raster, found, _ = decoded(codec, data)
    assert facts.depth == 16
    assert raster.metadata["colour_space"] == space
    meant = profiles.lab(light(codes / np.iinfo(codes.dtype).max) @ matrix.T)
    assert difference(lab_of(found, space), meant).max() < 0.3


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("name", GREYS)
def test_greys_survive(codec, name, deep):
    profile, space, light = GREYS[name]
    codes = DEEP[..., 0].copy() if deep else GREY
    facts, raster, found, _ = decoded(
        codec, tiff(codes, iccprofile=profile) if deep else saved(codes, "PNG", icc_profile=profile)
    )
    assert facts.grey
    assert raster.metadata["colour_space"] == space
    assert facts.depth == (16 if deep or light else 8)
    if light is None:
        assert np.array_equal(found[..., 0], codes)
    else:
        meant = profiles.srgb_codes(light(codes / np.iinfo(codes.dtype).max)) * 65535
        assert np.abs(found - meant[..., None]).max() < 40


def enhanced(codes, ratio):
    """What any engine does to light: sRGB-curved codes, `ratio` times as much, clamped."""
    top = np.iinfo(codes.dtype).max
    return np.rint(profiles.srgb_codes(np.clip(profiles.srgb_light(codes / top) * ratio, 0, 1)) * top).astype(
        codes.dtype
    )


def hues(lab):
    return np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))


PATCHES = np.array(
    [[[0.7, 0.25, 0.2], [0.75, 0.6, 0.2], [0.3, 0.6, 0.25], [0.2, 0.5, 0.6], [0.25, 0.25, 0.65], [0.6, 0.3, 0.5]]]
)


@pytest.mark.parametrize("name", ["Adobe RGB", "Display P3", "ProPhoto", "linear sRGB", "sRGB primaries, gamma 2.2"])
def test_hues_survive_an_eightfold_exposure(codec, name):
    """Dark patches, eight times under-exposed, in 16 bits; what is compared is the colour that a viewer sees."""
    if name in KEPT:
        profile, space = KEPT[name]
        matrix, light = MATRICES[space], lambda c: space_light(space, c)
    else:
        curve, light, matrix, _ = CONVERTED[name]
        profile = profiles.rgb(matrix, curve)
    patches = np.repeat(np.repeat(PATCHES, 16, 0), 8, 1)
    bright = profiles.srgb_light(patches) @ profiles.SRGB.T
    share = np.linspace(0, 1, 1 << 16)
    dark = np.interp(np.clip(bright @ np.linalg.inv(matrix).T / 8, 0, 1), light(share), share)
    source = tiff(np.rint(dark * 65535).astype(np.uint16), iccprofile=profile)
    _, raster, codes, _ = decoded(codec, source)
    seen = lab_of(enhanced(codes, 8), raster.metadata["colour_space"])
    turn = np.abs((hues(seen) - hues(profiles.lab(bright)) + 180) % 360 - 180)
    # A power curve taken for sRGB's is wrong near black, where it makes darks lighter and paler: hues turn a little.
    assert turn.max() < (2 if space_of(raster) in {"adobe-rgb", "gamma-2.2"} else 0.5)


def space_of(raster):
    return raster.metadata["colour_space"]


@pytest.mark.parametrize("name", ["Adobe RGB", "Display P3", "ProPhoto", "linear sRGB"])
def test_colours_survive_a_photo_that_needs_no_light(codec, name):
    """In and out as files, through 8 bits, seen by LittleCMS on both sides."""
    if name in KEPT:
        profile = KEPT[name][0]
    else:
        curve, _, matrix, _ = CONVERTED[name]
        profile = profiles.rgb(matrix, curve)
    codes = (80 + RGB * 0.5).astype(np.uint8) // 16 * 16  # inside every space
    codes[..., 1] = codes.mean(-1) * 0.5 + codes[..., 1] * 0.5
    source = saved(codes, "PNG", icc_profile=profile)
    _, raster, found, _ = decoded(codec, source)
    result = encoded(codec, enhanced(found, 1), raster, "tiff")
    image = Image.fromarray(enhanced(found if found.itemsize == 1 else (found >> 8).astype(np.uint8), 1))
    seen = seen_as_srgb(image, opened(result).info["icc_profile"])
    assert np.abs(seen - seen_as_srgb(Image.fromarray(codes), profile)).max() <= 3


def seen_as_srgb(image, profile, mode="RGB"):
    of = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    to = ImageCms.buildTransform(of, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    return np.asarray(ImageCms.applyTransform(image, to)).astype(int)


@pytest.mark.parametrize("deep", [False, True])
def test_a_profile_of_tables_alone_is_followed(codec, deep):
    codes = DEEP if deep else RGB
    data = tiff(codes, iccprofile=profiles.scanner()) if deep else saved(codes, "PNG", icc_profile=profiles.scanner())
    facts, raster, found, _ = decoded(codec, data)
    assert (facts.depth, space_of(raster)) == (8, "srgb")
    meant = profiles.srgb_codes((RGB / 255) ** 1.8) * 255
    assert np.abs(found - meant).max() < 3


INKS = np.stack([RGB[..., at] // 2 for at in (0, 1, 2)] + [GREY // 3], -1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: saved(
            Image.frombytes("CMYK", (64, 48), INKS.tobytes()), "JPEG", quality=100, icc_profile=profiles.press()
        ),
        lambda: tiff(INKS, photometric="separated", iccprofile=profiles.press()),
        lambda: tiff(INKS, photometric="separated", compression="zlib", predictor=True, iccprofile=profiles.press()),
        lambda: saved(
            Image.frombytes("CMYK", (64, 48), INKS.tobytes()),
            "TIFF",
            compression="tiff_lzw",
            icc_profile=profiles.press(),
        ),
    ],
    ids=["jpeg", "tiff", "deflated tiff", "lzw tiff"],
)
def test_print_colours_arrive_as_their_profile_says(codec, make):
    facts, raster, codes, _ = decoded(codec, make())
    assert (facts.depth, facts.grey, facts.alpha, space_of(raster)) == (8, False, False, "srgb")
    meant = profiles.ink_rgb(INKS / 255) * 255
    assert np.abs(codes - meant).mean() < 1.5
    assert np.abs(codes - meant).max() < 12


def test_a_photographed_turn_holds_for_print_colours_too(codec):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.frombytes("CMYK", (64, 48), INKS.tobytes())
    facts, raster, codes, _ = decoded(codec, saved(image, "JPEG", quality=95, exif=exif, icc_profile=profiles.press()))
    assert facts.orientation == raster.orientation == 6
    assert codes.shape == (48, 64, 3)


@pytest.mark.parametrize("profile", [b"", b"x" * 900, profiles.rgb(profiles.SRGB, SRGB_TABLE)])
@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_print_colours_that_nothing_explains_are_refused(codec, format_, profile):
    image = Image.frombytes("CMYK", (64, 48), INKS.tobytes())
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, saved(image, format_, icc_profile=profile))
    assert caught.value.code == "cmyk_photo"
    assert "RGB" in caught.value.detail


def hostile_profiles():
    good = profiles.rgb(profiles.ADOBE, profiles.power(2.2))
    yield from (b"", b"x" * 500, good[:100], good[:140], good[:16] + b"CMYK" + good[20:])
    yield good[:128] + b"\xff\xff\xff\xff" + good[132:]  # tags without end
    yield good[:136] + b"\xff\xff\xff\xf0" + good[140:]  # a tag outside
    yield good[:36] + b"none" + good[40:]
    yield good[:12] + b"link" + good[16:]
    yield profiles.rgb(np.zeros((3, 3)), profiles.power(2.2))
    yield profiles.rgb(profiles.ADOBE, profiles.power(0))
    yield profiles.rgb(profiles.ADOBE, profiles.sampled(lambda c: 1 - c))
    yield profiles.rgb(profiles.ADOBE, profiles.sampled(lambda c: c * 0))
    yield profiles.rgb(profiles.ADOBE, b"curv" + b"\0\0\0\0\xff\xff\xff\xff")
    yield profiles.rgb(profiles.ADOBE, profiles.parametric(4, 2.2, 0, -1, 0, 0, 0, 0))
    yield profiles.rgb(profiles.ADOBE, profiles.parametric(1, 2.2, 0, 1))
    yield profiles.rgb(profiles.ADOBE, b"para" + b"\0\0\0\0\0\x09\0\0" + bytes(40))
    yield profiles.icc(b"RGB ", {b"A2B0": b"mft2" + bytes(100)}, connection=b"Lab ")
    yield profiles.icc(b"Lab ", {b"A2B0": b"mft2" + bytes(100)}, connection=b"Lab ")


@pytest.mark.parametrize("profile", list(hostile_profiles()))
def test_a_profile_that_makes_no_sense_counts_as_none(codec, profile):
    _, raster, codes, _ = decoded(codec, tiff(RGB, iccprofile=profile or None))
    assert "colour_space" not in raster.metadata
    assert np.array_equal(codes, RGB)


def test_a_profile_of_another_kind_than_the_picture_counts_as_none(codec):
    _, raster, codes, _ = decoded(codec, saved(GREY, "PNG", icc_profile=KEPT["Adobe RGB"][0]))
    assert "colour_space" not in raster.metadata
    _, raster, codes, _ = decoded(codec, saved(RGB, "PNG", icc_profile=GREYS["dot gain"][0]))
    assert "colour_space" not in raster.metadata
    assert np.array_equal(codes, RGB)


def test_without_a_profile_none_is_invented(codec):
    _, raster, codes, _ = decoded(codec, saved(RGB, "PNG"))
    assert "colour_space" not in raster.metadata
    assert "icc_profile" not in opened(encoded(codec, codes, raster, "png")).info


def test_a_camera_that_names_adobe_rgb_in_its_exif_is_believed(codec):
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: "R03"}}
    _, raster, _, _ = decoded(codec, saved(RGB, "JPEG", quality=95, exif=exif))
    assert space_of(raster) == "adobe-rgb"
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 1, 0xA005: {1: "R98"}}
    _, raster, _, _ = decoded(codec, saved(RGB, "JPEG", quality=95, exif=exif))
    assert "colour_space" not in raster.metadata


def test_code_points_of_a_png_come_before_its_profile(codec):
    icc_chunk = KEPT["Adobe RGB"][0]
    import zlib

    before = chunk(b"cICP", bytes((12, 13, 0, 1))) + chunk(b"iCCP", b"x\0\0" + zlib.compress(icc_chunk))
    _, raster, _, _ = decoded(codec, png(RGB, 2, 8, before))
    assert space_of(raster) == "display-p3"
    with pytest.raises(UnreadablePhoto) as caught:
        decoded(codec, png(DEEP, 2, 16, chunk(b"cICP", bytes((9, 16, 0, 1)))))
    assert "HDR" in caught.value.detail


def test_a_linear_png_says_so_by_its_gamma_alone(codec):
    gamma = lambda value: chunk(b"gAMA", int(value * 100_000).to_bytes(4, "big"))  # noqa: E731
    facts, _, codes, _ = decoded(codec, png(DEEP, 2, 16, gamma(1.0)))
    assert facts.depth == 16
    assert np.abs(codes - profiles.srgb_codes(DEEP / 65535) * 65535).max() < 2
    _, _, codes, _ = decoded(codec, png(DEEP, 2, 16, gamma(0.45455)))
    assert np.array_equal(codes, DEEP)
    _, _, codes, _ = decoded(codec, png(DEEP, 2, 16, chunk(b"sRGB", b"\0") + gamma(1.0)))
    assert np.array_equal(codes, DEEP)


def test_wide_colours_of_a_phone_are_named(codec):
    planes = [GREY, np.full_like(GREY, 128), np.full_like(GREY, 128)]
    for primaries, space in ((12, "display-p3"), (9, "bt2020")):
        _, raster, _, _ = decoded(codec, heic(planes, properties=[colours(primaries, 13)]))
        assert space_of(raster) == space


def test_transparency_survives_a_conversion(codec):
    alpha = np.random.default_rng(1).integers(0, 256, GREY.shape, dtype=np.uint8)
    curve, _, matrix, _ = CONVERTED["ProPhoto"]
    for profile, depth in ((profiles.rgb(matrix, curve), 16), (profiles.scanner(), 8)):
        data = saved(np.dstack((RGB, alpha)), "PNG", icc_profile=profile)
        facts, _, _, plane = decoded(codec, data)
        assert (facts.alpha, facts.depth) == (True, depth)
        assert np.array_equal(plane, alpha.astype(np.uint16) * 257 if depth == 16 else alpha)
