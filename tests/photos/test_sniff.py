import os
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photos.facts import FORMATS
from photos.refusals import REFUSALS
from photos.sniff import refusal, sniff, sniff_file
from tests.photos.making import dng, photo_fd, saved, scene, tiff


def sniffed_file(data):
    fd = photo_fd(data)
    try:
        return sniff_file(fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_is_told_by_its_first_bytes(format_):
    data = saved(scene(), format_)
    assert sniff(data) == sniffed_file(data) == format_.lower()


@pytest.mark.parametrize(
    ("head", "camera"),
    [
        (b"II\x1a\0\0\0HEAPCCDR", "Canon CRW"),
        (b"II*\0\x10\0\0\0CR\x02\0", "Canon CR2"),
        (b"\0\0\0\x18ftypcrx ", "Canon CR3"),
        (b"FUJIFILMCCD-RAW 0201", "Fujifilm RAF"),
        (b"IIU\0\x18\0\0\0", "Panasonic RW2"),
        (b"IIRO\x08\0\0\0", "Olympus ORF"),
        (b"MMOR\0\0\0\x08", "Olympus ORF, big-endian"),
    ],
)
def test_a_camera_raw_is_told_by_its_own_magic(head, camera):
    assert sniff(head) == "raw", camera


@pytest.mark.parametrize(
    ("brands", "format_"),
    [
        (b"heic\0\0\0\0mif1heic", "heic"),
        (b"heix\0\0\0\0mif1heix", "heic"),
        (b"avif\0\0\0\0mif1miaf", "avif"),
        (b"mif1\0\0\0\0miafheic", "heic"),
        (b"mif1\0\0\0\0miafavif", "avif"),
        (b"msf1\0\0\0\0miafhevc", "heic"),
    ],
)
def test_a_heif_is_told_by_its_brands(brands, format_):
    head = struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands
    assert sniff(head + b"avifheic") == format_, "what follows the box is no brand"


def test_a_dng_is_raw_and_a_tiff_with_a_cameras_name_is_not():
    developed = tiff(scene(), extratags=[(271, "s", 0, "NIKON CORPORATION", True), (272, "s", 0, "NIKON D850", True)])
    assert sniff(dng(np.zeros((32, 32), np.uint16))) == "raw"
    assert sniff(developed) == "tiff"


@pytest.mark.parametrize("make", ["NIKON CORPORATION", "SONY", "SAMSUNG", "Hasselblad", "PENTAX"])
def test_a_makers_preview_directory_means_raw(make):
    preview = tiff(scene(), subfiletype=1, extratags=[(271, "s", 0, make, True)])
    assert sniff(preview) == sniffed_file(preview) == "raw"


def test_a_strangers_preview_directory_is_a_tiff():
    assert sniff(tiff(scene(), subfiletype=1, extratags=[(271, "s", 0, "Flatbed Scanners Inc", True)])) == "tiff"


def test_tags_beyond_the_head_are_found_in_the_file():
    data = dng(np.zeros((32, 32), np.uint16))
    far = 200_000
    first = int.from_bytes(data[4:8], "little")
    # The directory moves far behind; the offsets in it stay valid, for the old bytes stay too.
    moved = data[:4] + far.to_bytes(4, "little") + data[8:].ljust(far - 8, b"\0") + data[first:]
    assert sniff(moved[:65_536]) == "tiff"
    assert sniffed_file(moved) == "raw"


def test_a_directory_that_chains_to_itself_ends():
    endless = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x0a\x01\x03\0\x01\0\0\0\0\0\0\0" + b"\x08\0\0\0"
    assert sniff(endless) == "tiff"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"GIF89a\1\0", "gif"),
        (b"BM\0\0\0\0", "bmp"),
        (b"8BPS\0\1", "psd"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1miaf", "unknown_format"),
        (b"\0\0\0\x1cftypisom\0\0", "unknown_format"),
        (b"<html>", "unknown_format"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(head, reason):
    assert sniff(head) is None
    assert refusal(head) == reason
    assert reason in REFUSALS


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0", b"MM\0*", b"RIFF", b"\0\0\0\x18ftyp", b"\xff\xd8\xff"]))
def test_no_bytes_make_sniffing_fail(tail, magic):
    assert sniff(magic + tail) in {None, *FORMATS}
    assert refusal(magic + tail) in REFUSALS
