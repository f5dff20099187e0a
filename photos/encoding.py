"""Encode a pixel buffer as JPEG, PNG, WebP or TIFF: upright, grey as grey, with its profile and allowed metadata.

JPEG: quality 95, 4:4:4, for coloured lamps bleed at 4:2:0. PNG: png_writing.py says how. WebP: quality 90, method 2,
lower where WebP cannot hold so large a photo; methods 0 and 1 save a tenth of the time, 4 takes three times as long.
TIFF: not compressed; deflate takes 15 times as long and saves a fifth. The same buffer gives the same bytes.

Nothing is encoded while its photo is still enhanced, though JPEG and PNG could follow strip by strip: the encoder works
on the next core while the engine has the next photo, and for a single photo it would save a tenth of its time.
"""

import mmap
from collections.abc import Mapping
from fractions import Fraction
from typing import IO, cast

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]
import tifffile
from PIL import Image

from photos.facts import WEBP_LONGEST_SIDE
from photos.icc_writing import profile
from photos.jpeg_segments import with_segments
from photos.mapped_file import MappedFile
from photos.metadata import fresh_exif
from photos.planes import Codes, fitted, planes
from photos.png_writing import write_png
from photos.raster import Raster
from photos.refused import Refused
from photos.upright import upright

_JPEG_QUALITY = 95
# WebP keeps the modes of all blocks in half a mebibyte; the largest photos fit at a lower quality only.
_WEBP_QUALITIES = (90, 80, 65, 50)
_WEBP_PARTITION_FULL = "encoding error 6"


def encode(
    pixels: mmap.mmap, source: mmap.mmap | None, raster: Raster, out: mmap.mmap, format_: str, depth: int
) -> int:
    """Write the picture into `out`; the bytes written.

    `pixels` are [H, W, 3] codes of `depth` bits, sRGB curve or that of the raster's own profile; `source` is the
    decoded buffer, asked for its alpha plane only. Alpha is kept by PNG, WebP and TIFF; a JPEG is laid on white.
    `depth` is 8 for JPEG and WebP, 8 or 16 for PNG and TIFF. Refused if WebP cannot hold
    the size; ValueError if `out` is too small.
    """
    colour, _ = planes(pixels, _eight_or_sixteen(raster, depth))
    alpha = _alpha(source, raster, depth) if source is not None and raster.alpha else None
    image = upright(_assembled(colour, alpha, raster, format_), raster.orientation)
    if format_ == "webp" and max(image.shape[:2]) > WEBP_LONGEST_SIDE:
        raise Refused("side_too_long_for_webp")
    file = MappedFile(out)
    {"jpeg": _jpeg, "png": _png, "webp": _webp, "tiff": _tiff}[format_](image, raster, file)
    return file.length


def _eight_or_sixteen(raster: Raster, depth: int) -> Raster:
    """What the engine's own buffer holds: the raster's sides, in colour, without alpha."""
    return Raster(
        layout="rgb",
        width=raster.width,
        height=raster.height,
        depth=16 if depth == 16 else 8,
        curve="srgb",
        white=float((1 << depth) - 1),
    )


def _alpha(source: mmap.mmap, raster: Raster, depth: int) -> Codes | None:
    _, alpha = planes(source, raster)
    return None if alpha is None else fitted(alpha, depth)


def _assembled(colour: Codes, alpha: Codes | None, raster: Raster, format_: str) -> Codes:
    """[H, W] grey, [H, W, 2] grey and alpha, [H, W, 3] or [H, W, 4]."""
    kept: Codes = colour
    if raster.grey and format_ != "webp":
        kept = _codes(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    if alpha is None:
        return kept
    if format_ == "jpeg":
        return _on_white(kept, alpha)
    return np.dstack((kept, alpha))


def _on_white(codes: Codes, alpha: Codes) -> Codes:
    """What a viewer on a white page shows: codes weighted by 8-bit alpha over 255."""
    weight = alpha.astype(np.uint16)
    if codes.ndim == 3:
        weight = weight[..., None]
    return ((codes * weight + np.uint16(255) * (255 - weight) + 127) // 255).astype(np.uint8)


def _codes(array: object) -> Codes:
    return np.asarray(array)


def _jpeg(image: Codes, raster: Raster, out: MappedFile) -> None:
    grey = image.ndim == 2
    pixels = np.ascontiguousarray(image[..., None] if grey else image)
    kind, sampling = ("GRAY", "Gray") if grey else ("RGB", "444")
    file = simplejpeg.encode_jpeg(pixels, _JPEG_QUALITY, kind, sampling, fastdct=False)
    for part in with_segments(memoryview(file), **_extras(raster, grey=grey)):
        out.write(part)


def _webp(image: Codes, raster: Raster, out: MappedFile) -> None:
    extras = _extras(raster, grey=False)
    blocks = {name: block for name, block in (("icc_profile", extras["icc"]), ("exif", extras["exif"])) if block}
    for quality in _WEBP_QUALITIES:
        try:
            Image.fromarray(image).save(cast("IO[bytes]", out), "WEBP", quality=quality, method=2, **blocks)
        except ValueError as error:
            if _WEBP_PARTITION_FULL not in str(error):
                raise
        else:
            return
    raise Refused("too_rich_for_webp")


def _png(image: Codes, raster: Raster, out: MappedFile) -> None:
    write_png(image, cast("IO[bytes]", out), **_extras(raster, grey=raster.grey))


def _tiff(image: Codes, raster: Raster, out: MappedFile) -> None:
    channels = 1 if image.ndim == 2 else image.shape[2]
    tifffile.imwrite(
        out,
        image,
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in {2, 4} else None,
        metadata=None,
        software=False,
        iccprofile=_profile(raster, grey=raster.grey),
        extratags=_tiff_tags(raster.metadata),
    )


def _tiff_tags(metadata: Mapping[str, str]) -> list[tuple[int, int, int, object, bool]]:
    """Allow-listed metadata as tags of the one directory, as TIFF/EP (ISO 12234-2) has it."""
    ascii_, short, rational = 2, 3, 5
    tags: list[tuple[int, int, int, object, bool]] = [
        (tag, ascii_, 0, metadata[key], True)
        for key, tag in (("make", 271), ("model", 272), ("date", 306))
        if key in metadata
    ]
    for key, tag in (("exposure_time", 33434), ("f_number", 33437), ("focal_length", 37386)):
        if key in metadata:
            value = Fraction(metadata[key]).limit_denominator(100_000)
            tags.append((tag, rational, 1, (value.numerator, value.denominator), True))
    if "iso" in metadata:
        tags.append((34855, short, 1, min(round(float(metadata["iso"])), 65535), True))
    return tags


def _extras(raster: Raster, *, grey: bool) -> dict[str, bytes | None]:
    """The colour profile and EXIF block that a result may carry, if there are any."""
    return {"icc": _profile(raster, grey=grey), "exif": fresh_exif(raster.metadata) or None}


def _profile(raster: Raster, *, grey: bool) -> bytes | None:
    space = raster.metadata.get("colour_space")
    return profile(space, grey=grey) if space else None
