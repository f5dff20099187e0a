"""Small photos made here, so that no test needs a file from elsewhere."""

import io
import os
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

CFA_CODES = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}
# Fujifilm's X-Trans: red 0, green 1, blue 2.
XTRANS = (
    (1, 1, 0, 1, 1, 2), (1, 1, 2, 1, 1, 0), (2, 0, 1, 0, 2, 1),
    (1, 1, 2, 1, 1, 0), (1, 1, 0, 1, 1, 2), (0, 2, 1, 2, 0, 1),
)  # fmt: skip
MOSAIC, LINEAR_RAW, BLACK_IS_ZERO = 32803, 34892, 1
# XYZ (D65) → camera RGB of a plausible camera.
CAMERA_FROM_XYZ = ((0.99, -0.2771, -0.1324), (-0.7072, 1.4229, 0.314), (-0.279, 0.3344, 0.8861))


def photo_fd(data: bytes) -> int:
    fd = os.memfd_create("photo", os.MFD_CLOEXEC)
    os.write(fd, data)
    return fd


def scene(height=48, width=64, seed=0):
    """A smooth colourful [H, W, 3] uint8 picture without symmetry."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    planes = [(np.sin(x / (7 + 3 * c) + c) + np.cos(y / (9 - 2 * c)) + 2) * 50 + x * 0.5 for c in range(3)]
    return np.clip(np.stack(planes, -1) + rng.normal(0, 2, (height, width, 3)), 0, 255).astype(np.uint8)


def saved(image, format_, **options):
    out = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(out, format_, **options)
    return out.getvalue()


def png(codes, colour_type, bits, before_pixels=b""):
    """A PNG of raw codes [H, W, C], written by the letter of its specification."""
    height, width = codes.shape[:2]
    rows = codes.astype(">u2" if bits == 16 else "u1").reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows), 1)
    chunks = chunk(b"IHDR", header) + before_pixels + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(codes, **options):
    out = io.BytesIO()
    options = {"photometric": "rgb" if codes.ndim == 3 else "minisblack", "metadata": None, **options}
    tifffile.imwrite(out, codes, **options)
    return out.getvalue()


def dng(
    mosaic,
    cfa="RGGB",
    black=(512, 520, 528, 536),
    white=16000,
    orientation=1,
    neutral=(0.5, 1.0, 0.625),
    active=None,
    photometric=MOSAIC,
    tags=(),
):
    """A camera raw of counts: [H, W] of a Bayer order or "XTRANS"; LINEAR_RAW is [H, W, 3], or [H, W] for monochrome.

    `black` is per position of the 2×2 at the origin of `active`: top, left, bottom, right; X-Trans takes its first.
    """
    out = io.BytesIO()
    rationals = [value for row in CAMERA_FROM_XYZ for entry in row for value in (round(entry * 10000), 10000)]
    extra = [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50707, "B", 4, (1, 1, 0, 0), True),
        (271, "s", 0, "Firstlight", True),
        (272, "s", 0, "Test Camera", True),
        (50708, "s", 0, "Firstlight Test Camera", True),
        (274, "H", 1, orientation, True),
        (33434, "2I", 1, (1, 4), True),
        (34855, "H", 1, 3200, True),
        (50717, "I", 1, white, True),
        (50721, "2i", 9, tuple(rationals), True),
        (50728, "2I", 3, tuple(v for n in neutral for v in (round(n * 10000), 10000)), True),
        (50778, "H", 1, 21, True),
        *tags,
    ]
    if cfa == "XTRANS":
        pattern = tuple(code for row in XTRANS for code in row)
        extra += [(33421, "H", 2, (6, 6), True), (33422, "B", 36, pattern, True), (50714, "H", 1, black[0], True)]
    elif photometric == MOSAIC:
        extra += [
            (33421, "H", 2, (2, 2), True),
            (33422, "B", 4, CFA_CODES[cfa], True),
            (50713, "H", 2, (2, 2), True),
            (50714, "H", 4, black, True),
        ]
    if active:
        extra.append((50829, "I", 4, active, True))
    monochrome = photometric == LINEAR_RAW and mosaic.ndim == 2
    written = BLACK_IS_ZERO if monochrome else photometric
    tifffile.imwrite(out, mosaic, photometric=written, metadata=None, extratags=extra)
    # tifffile writes no linear raw of one channel: only the tag differs.
    tag = struct.Struct("<HHIH")
    return out.getvalue().replace(tag.pack(262, 3, 1, written), tag.pack(262, 3, 1, photometric))


def many_scans(side, scans):
    """A progressive JPEG whose last scan is repeated: little to send, much to decode."""
    data = saved(np.full((side, side), 90, np.uint8), "JPEG", progressive=True, quality=50)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]
