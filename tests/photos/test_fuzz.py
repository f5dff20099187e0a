"""Damaged files of every format: each is read or refused, and the zygote lives through all of them."""

import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from photos.codec import Codec
from photos.errors import UnreadablePhoto
from tests.photos import profiles
from tests.photos.heic import colours, heic, turned
from tests.photos.making import LINEAR_RAW, dng, png, saved, scene, tiff
from tests.photos.reading import decoded

RGB = scene(24, 32)
DEEP = RGB.astype(np.uint16) * 257


def exif():
    block = Image.Exif()
    block[0x010F], block[0x0112] = "Firstlight", 6
    block[0x8769] = {0x829A: 0.5, 0x8827: 100}
    return block


INK = profiles.tabled(b"CMYK", 4, lambda inks: (1 - inks[:, :3]) * 60, 2)
SEEDS = {
    "jpeg": saved(RGB, "JPEG", exif=exif()),
    "progressive": saved(RGB, "JPEG", progressive=True),
    "png": saved(RGB, "PNG", exif=exif()),
    "deep png": png(DEEP, 2, 16),
    "palette": saved(Image.fromarray(RGB).quantize(16), "PNG", transparency=1),
    "webp": saved(RGB, "WEBP", exif=exif()),
    "lossless webp": saved(RGB, "WEBP", lossless=True),
    "tiff": tiff(RGB),
    "deep tiff": tiff(DEEP, compression="zlib"),
    "lzw tiff": saved(RGB, "TIFF", compression="tiff_lzw"),
    "heic": heic(
        [RGB[..., 0], RGB[::2, ::2, 1], RGB[::2, ::2, 2]],
        properties=[colours(12, 13), turned(1)],
        alpha=RGB[..., 1],
        exif=exif().tobytes(),
        tiles=(2, 1),
    ),
    "deep heic": heic([DEEP[..., 0] >> 6], 10),
    "avif": saved(np.dstack((RGB, RGB[..., 0])), "AVIF", exif=exif()),
    "deep avif": cv2.imencode(".avif", DEEP >> 6, [cv2.IMWRITE_AVIF_DEPTH, 10])[1].tobytes(),
    "wide tiff": tiff(RGB, iccprofile=profiles.rgb(profiles.PROPHOTO, profiles.sampled(lambda c: c**1.8, 16))),
    "grey tiff": tiff(RGB[..., 0], iccprofile=profiles.grey(profiles.parametric(4, 1.8, 0.9, 0.1, 0.2, 0.1, 0, 0))),
    "scanned tiff": tiff(RGB, iccprofile=profiles.tabled(b"RGB ", 3, lambda codes: codes * 100, 3)),
    "print jpeg": saved(Image.fromarray(RGB).convert("CMYK"), "JPEG", icc_profile=INK),
    "print tiff": tiff(np.dstack((RGB, RGB[..., 0])), photometric="separated", iccprofile=INK),
    "planes apart": tiff(np.moveaxis(DEEP, 2, 0).copy(), planarconfig="separate", compression="zlib"),
    "mixed alpha": tiff(np.dstack((DEEP, DEEP[..., 0])), extrasamples=["assocalpha"], tile=(16, 16)),
    "linear dng": dng(np.ascontiguousarray(DEEP), photometric=LINEAR_RAW, white=65535),
    "grey dng": dng(DEEP[..., 0].copy(), photometric=LINEAR_RAW, white=65535),
    "dng": dng(np.random.default_rng(0).integers(600, 15000, (24, 32), dtype=np.uint16)),
}

# Too slow for every run.
LARGE_SEEDS = {"xtrans": dng(np.random.default_rng(0).integers(600, 15000, (512, 512), dtype=np.uint16), "XTRANS")}


def damaged(data, chance):
    """The same bytes with a few flipped, set to extremes, cut, doubled or left out; mostly near the start."""
    bytes_ = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = int(len(bytes_) * chance.random() ** chance.choice((1, 3)))
        at = min(at, len(bytes_) - 1)
        deed = chance.randrange(6)
        if deed == 0:
            bytes_[at] ^= 1 << chance.randrange(8)
        elif deed == 1:
            bytes_[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif deed == 2:
            bytes_[at : at + 4] = chance.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\1\0"))
        elif deed == 3:
            del bytes_[at : at + chance.randrange(1, 9)]
        elif deed == 4:
            bytes_[at:at] = bytes_[at : at + chance.randrange(1, 33)]
        else:
            del bytes_[max(at, 12) :]
        if len(bytes_) < 16:
            return bytes(bytes_)
    return bytes(bytes_)


def outcome(codec, data):
    try:
        decoded(codec, data)
    except UnreadablePhoto as error:
        return error.code
    return "read"


def outcomes(codec, rounds, seed, only=None):
    chance = random.Random(seed)
    seeds = [data for name, data in (SEEDS | LARGE_SEEDS).items() if (only in name if only else name in SEEDS)]
    files = [damaged(data, chance) for _ in range(rounds) for data in seeds]
    with ThreadPoolExecutor(2) as pool:
        return Counter(pool.map(lambda data: outcome(codec, data), files))


def test_the_undamaged_files_are_read(codec):
    assert {name: outcome(codec, data) for name, data in SEEDS.items()} == dict.fromkeys(SEEDS, "read")


@pytest.mark.parametrize("rounds", [18, pytest.param(200, marks=pytest.mark.slow)])
def test_damaged_files_are_read_or_refused(codec, rounds):
    zygote = codec._open_line()
    counted = outcomes(codec, rounds, seed=rounds)
    assert sum(counted.values()) == rounds * len(SEEDS)
    assert counted["read"]
    assert counted["unreadable_photo"]
    assert codec._open_line() is zygote


if __name__ == "__main__":  # rounds, seed, kind of file
    with Codec(sandbox="strict") as one:
        one.warm()
        before = one._open_line()
        print(outcomes(one, int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
        print("zygote lived" if one._open_line() is before else "zygote was lost")
