"""JPEGs as phones, old cameras and odd programs write them."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from photos.errors import UnreadablePhoto
from tests.photos.making import saved, scene
from tests.photos.reading import decoded, probed

RGB = scene()
PLAIN = saved(RGB, "JPEG", quality=95)
# A ramp of red to the right and green downwards, 16 by 16, at quality 60, coded arithmetically.
ARITHMETIC = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxOUlNSMj5aYVpQ"
    "YEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//yQARCAAQABAD"
    "AREAAhEBAxEB/8wACgAQEAUBEBEF/9oADAMBAAIRAxEAPwD/AGPIy1vg3KHcJRfb7rpE+qF9g0tIyf3dtpPyqFVIcG6n3rA6UZD/2Q=="
)
BASELINE, LOSSLESS, HIERARCHICAL = b"\xff\xc0", b"\xff\xc3", b"\xff\xc5"


def refused(codec, data):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, data)
    return caught.value


def reference(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def framed(marker=BASELINE, bits=8):
    """A JPEG whose frame says so, whatever its data are."""
    at = PLAIN.index(BASELINE)
    return PLAIN[:at] + marker + PLAIN[at + 2 : at + 4] + bytes((bits,)) + PLAIN[at + 5 :]


def test_arithmetic_coding_is_read(codec):
    _, _, codes, _ = decoded(codec, ARITHMETIC)
    y, x = np.mgrid[:16, :16]
    assert np.abs(codes.astype(int) - np.stack((x * 16, y * 16, 255 - x * 8 - y * 7), -1)).mean() < 6


def test_twelve_bits_are_refused_by_name(codec):
    error = refused(codec, framed(b"\xff\xc1", bits=12))
    assert error.code == "unsupported_format"
    assert "bits" in error.detail


@pytest.mark.parametrize("frame", [LOSSLESS, HIERARCHICAL, b"\xff\xf7"])
def test_frames_that_nobody_reads_are_refused_by_name(codec, frame):
    error = refused(codec, framed(frame))
    assert error.code == "unsupported_format"
    assert "plain JPEG" in error.detail


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 2}, {"subsampling": 1}, {"optimize": True}])
@pytest.mark.parametrize("grey", [False, True])
def test_every_ordinary_coding_is_decoded_as_others_do(codec, options, grey):
    if grey:
        options = {name: value for name, value in options.items() if name != "subsampling"}
    data = saved(RGB[..., 0] if grey else RGB, "JPEG", quality=90, **options)
    facts, _, codes, _ = decoded(codec, data)
    assert facts.grey == grey
    assert np.abs(codes - reference(data)).max() <= 2


def test_spare_bytes_before_the_end_do_not_hurt(codec):
    """The strict decoder warns of them; the lenient one is asked then."""
    restarted = saved(RGB, "JPEG", quality=95, restart_marker_rows=1)
    at = restarted.index(b"\xff\xd0")
    for data in (PLAIN[:-2] + b"\x12\x34" + PLAIN[-2:], restarted[:at] + bytes(3) + restarted[at:]):
        _, _, codes, _ = decoded(codec, data)
        assert np.abs(codes - reference(PLAIN)).mean() < 2


XMP_OF_A_GAIN_MAP = (
    b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
    b"xmlns:hdrgm='http://ns.adobe.com/hdr-gain-map/1.0/' hdrgm:Version='1.0'/></rdf:RDF></x:xmpmeta>"
)


def segment(marker, data):
    return b"\xff" + bytes((marker,)) + (len(data) + 2).to_bytes(2, "big") + data


def test_of_an_ultra_hdr_jpeg_the_base_picture_is_taken(codec):
    """A second JPEG, the gain map, lies behind the first and is announced by XMP and a multi-picture index."""
    gain_map = saved(np.full((24, 32), 200, np.uint8), "JPEG", quality=80)
    index = b"MPF\0MM\0*" + (8).to_bytes(4, "big") + bytes(2)
    base = PLAIN[:2] + segment(0xE1, XMP_OF_A_GAIN_MAP) + segment(0xE2, index) + PLAIN[2:]
    facts, raster, codes, _ = decoded(codec, base + gain_map)
    assert (facts.width, facts.height) == (64, 48)
    assert raster.metadata == {}
    assert np.abs(codes - reference(PLAIN)).max() <= 2


def test_a_profile_in_many_segments_is_put_together(codec):
    from tests.photos import profiles

    profile = profiles.rgb(profiles.P3, profiles.SRGB_PARAMETRIC, {b"priv": bytes(150_000)})
    _, raster, _, _ = decoded(codec, saved(RGB, "JPEG", icc_profile=profile))
    assert raster.metadata["colour_space"] == "display-p3"
