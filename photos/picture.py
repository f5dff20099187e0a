"""Decode a JPEG, PNG, WebP, TIFF, HEIC or AVIF into a pixel buffer.

    JPEG ── simplejpeg, straight into the buffer ──┐
    PNG, WebP, AVIF, odd JPEG, 16-bit TIFF ── OpenCV ──▶ filling.py ──▶ buffer
    TIFF ── tifffile, Pillow (tiff_header.py says which) ──┤
    HEIC ── libheif ──┘   CMYK JPEG ── Pillow ──┘

OpenCV keeps 16 bits and refuses cut-off files.
"""

import math
import mmap
from typing import IO, cast

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]
import tifffile
from PIL import JpegImagePlugin, TiffImagePlugin

from photos.facts import Format
from photos.filling import fill
from photos.header import Header, read_header
from photos.heif_header import opened
from photos.planes import Codes, planes
from photos.raster import Raster
from photos.refused import Refused
from photos.upright import upright

_APART = 2  # planar configuration


def decode_picture(format_: Format, photo: mmap.mmap, buffer: mmap.mmap) -> Raster:
    """Fill `buffer` with [H, W, 3] codes and, if there is alpha, its [H, W] plane; say what they mean.

    Refused("changed") if the picture differs from its header or does not fit the buffer, Refused("broken") if it cannot
    be decoded whole.
    """
    header = read_header(format_, photo)
    facts = header.facts
    if facts.pixel_bytes != len(buffer):
        raise Refused("changed")
    raster = Raster(
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
    colour, alpha = planes(buffer, raster)
    if format_ != "jpeg" or header.conversion or not _straight(photo, colour):
        source, blue_first = _source(header, photo)
        fill(source, header, colour, alpha, blue_first=blue_first)
    return raster


def _straight(photo: mmap.mmap, colour: Codes) -> bool:
    """Whether a JPEG was decoded into `colour` whole and without a warning; the others are for OpenCV to judge.

    Among them are rare samplings, and files with a few spare bytes in them.
    """
    try:
        simplejpeg.decode_jpeg(photo, "RGB", fastdct=False, fastupsample=False, buffer=colour, strict=True)
    except ValueError:
        return False
    return True


def _source(header: Header, photo: mmap.mmap) -> tuple[Codes, bool]:
    """The picture's own codes: grey [H, W], with alpha [H, W, 2], colour, or CMYK; and whether blue comes first.

    TIFF and HEIC are upright.
    """
    format_, reader = header.facts.format, header.reader
    if format_ == "heic":
        return _libheif(photo), True
    if reader == "tifffile":
        return _plain_tiff(header, photo), False
    if reader == "pillow":
        return (_pillow_tiff(photo) if format_ == "tiff" else _print_jpeg(photo)), False
    return _opencv(photo), True


def _libheif(photo: mmap.mmap) -> Codes:
    file = opened(photo)
    return np.array(file)  # a copy: the memory of its view ends with `file`


def _opencv(photo: mmap.mmap) -> Codes:
    """It turns TIFFs, and leaves all others as stored."""
    source = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_UNCHANGED)
    if source is None:
        raise Refused("broken")
    return cast("Codes", source)


def _print_jpeg(photo: mmap.mmap) -> Codes:
    photo.seek(0)
    with JpegImagePlugin.JpegImageFile(cast("IO[bytes]", photo)) as image:
        return np.asarray(image)


def _pillow_tiff(photo: mmap.mmap) -> Codes:
    photo.seek(0)
    with TiffImagePlugin.TiffImageFile(cast("IO[bytes]", photo)) as image:
        image.load()  # which also turns it upright
        kind = {"RGBA": "RGBA", "1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK"}.get(image.mode, "RGB")
        return np.asarray(image if image.mode == kind else image.convert(kind))


def _plain_tiff(header: Header, photo: mmap.mmap) -> Codes:
    photo.seek(0)
    with tifffile.TiffFile(photo) as file:
        page = file.pages.first
        shape = (page.samplesperpixel, page.imagelength, page.imagewidth)
        apart = int(page.planarconfig) == _APART and page.samplesperpixel > 1
        if not apart:
            shape = (*shape[1:], page.samplesperpixel)
        if page.is_memmappable:
            kind = np.dtype(f"{page.parent.byteorder}u{header.depth // 8}")
            codes = np.frombuffer(photo, kind, math.prod(shape), page.dataoffsets[0])
        else:
            codes = page.asarray(maxworkers=1)
        codes = codes.reshape(shape)
    codes = np.moveaxis(codes, 0, 2) if apart else codes
    if codes.shape[2] == 1:
        codes = codes[..., 0]
    native = np.ascontiguousarray(codes, codes.dtype.newbyteorder("="))
    return upright(native, header.turn)
