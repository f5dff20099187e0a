"""Decode a JPEG, PNG, WebP, TIFF, HEIC or AVIF into a pixel buffer.

OpenCV decodes nearly all: it keeps 16 bits, refuses cut-off files and converts straight into the buffer. Pillow decodes
8-bit TIFFs, whose transparency OpenCV multiplies into the colours; libheif decodes HEIC.
"""

import mmap
from typing import IO, Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from photos.facts import Format
from photos.header import Header, read_header
from photos.heif_header import opened
from photos.raster import Raster
from photos.refused import Refused

Codes = NDArray[Any]  # uint8 or uint16


def decode_picture(format_: Format, photo: mmap.mmap, buffer: mmap.mmap) -> Raster:
    """Fill `buffer` with [H, W, 3] codes and, if there is alpha, its [H, W] plane; say what they mean.

    Refused("changed") if the picture differs from its header or does not fit the buffer, Refused("broken") if it cannot
    be decoded whole.
    """
    header = read_header(format_, photo)
    facts = header.facts
    if facts.pixel_bytes != len(buffer):
        raise Refused("changed")
    _store(_source(header, photo), header, buffer)
    return Raster(
        layout="rgb",
        width=facts.width,
        height=facts.height,
        depth=facts.depth,
        curve="srgb",
        white=float((1 << facts.depth) - 1),
        grey=facts.grey,
        alpha=facts.alpha,
        orientation=facts.orientation,
        metadata=header.metadata,
    )


def planes(buffer: mmap.mmap, raster: Raster) -> tuple[Codes, Codes | None]:
    """The colour pixels [H, W, 3] of a buffer and its alpha plane [H, W], without copying."""
    dtype = np.uint8 if raster.depth == 8 else np.uint16
    count = raster.width * raster.height
    colour = np.frombuffer(buffer, dtype, count * 3).reshape(raster.height, raster.width, 3)
    if not raster.alpha:
        return colour, None
    alpha = np.frombuffer(buffer, dtype, count, raster.colour_bytes).reshape(raster.height, raster.width)
    return colour, alpha


def _source(header: Header, photo: mmap.mmap) -> Codes:
    if header.facts.format == "heic":
        return _libheif(photo)
    if header.facts.format == "tiff" and header.facts.depth == 8:
        return _pillow_tiff(photo)
    return _opencv(photo)


def _libheif(photo: mmap.mmap) -> Codes:
    """The same order of channels as OpenCV's, upright."""
    file = opened(photo)
    codes = np.array(file)  # a copy: the memory of its view ends with `file`
    return codes[..., (0, 0, 0, 1)] if codes.ndim == 3 and codes.shape[2] == 2 else codes


def _opencv(photo: mmap.mmap) -> Codes:
    """OpenCV's picture: grey [H, W], BGR or BGRA; orientation is applied for TIFF only."""
    source = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_UNCHANGED)
    if source is None:
        raise Refused("broken")
    return cast("Codes", source)


def _pillow_tiff(photo: mmap.mmap) -> Codes:
    """The same order of channels as OpenCV's, from an 8-bit TIFF, upright."""
    photo.seek(0)
    with TiffImagePlugin.TiffImageFile(cast("IO[bytes]", photo)) as image:
        image.load()  # which also turns it upright
        kind = {"RGBA": "RGBA", "1": "L", "L": "L", "LA": "L"}.get(image.mode, "RGB")
        codes = np.asarray(image if image.mode == kind else image.convert(kind))
    if kind == "L":
        return codes
    return cast("Codes", cv2.cvtColor(codes, cv2.COLOR_RGB2BGR if kind == "RGB" else cv2.COLOR_RGBA2BGRA))


def _store(source: Codes, header: Header, buffer: mmap.mmap) -> None:
    facts = header.facts
    dtype = np.dtype(np.uint8 if facts.depth == 8 else np.uint16)
    channels = 1 if source.ndim == 2 else source.shape[2]
    if source.shape[:2] != (facts.height, facts.width) or source.dtype != dtype or channels not in {1, 3, 4}:
        raise Refused("changed")
    if facts.alpha and channels != 4:
        raise Refused("changed")
    raster = Raster(
        layout="rgb",
        width=facts.width,
        height=facts.height,
        depth=facts.depth,
        curve="srgb",
        white=1,
        alpha=facts.alpha,
    )
    colour, alpha = planes(buffer, raster)
    code = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}[channels]
    written = cv2.cvtColor(source, code, dst=colour)
    if written.__array_interface__["data"] != colour.__array_interface__["data"]:
        raise Refused("changed")
    if alpha is not None:
        cv2.extractChannel(source, 3, dst=alpha)
    if header.white_is_zero and facts.depth == 16:
        np.subtract(colour.dtype.type(65535), colour, out=colour)
    if header.bits and 8 < header.bits < 16:
        for plane in (colour, *([] if alpha is None else [alpha])):
            _widen(plane, header.bits, shift=0 if facts.format == "heic" else 16 - header.bits)


def _widen(plane: Codes, bits: int, shift: int) -> None:
    """Codes of 10 or 12 bits, still to be shifted up by `shift`, in place → 16 bits, from 0 to 65535.

    The highest bits follow once more below: 65535 / 1023 and 65535 / 4095 times the code, to within 1.
    """
    for row in plane:
        np.left_shift(row, shift, out=row)
        np.bitwise_or(row, row >> bits, out=row)
