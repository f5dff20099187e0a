"""What the header of a JPEG, PNG, WebP, TIFF, HEIC or AVIF says: facts for the probe, and metadata for the result."""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any, cast

from PIL import ImageFile, JpegImagePlugin, PngImagePlugin

from photos.colour_conversion import Conversion
from photos.colours import Colours, colours_of, power_colours, print_colours
from photos.facts import Depth, Format, PhotoFacts
from photos.heif_header import read_heif_header
from photos.jpeg_header import check_frame
from photos.metadata import ExifFacts, exif_facts
from photos.nclx import named_space
from photos.png_chunks import find_chunk
from photos.refused import Refused
from photos.tiff_header import Reader, read_tiff_header
from photos.upright import TRANSPOSED
from photos.webp_header import read_webp_header

_OPENERS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
}
_GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "F"}
_PNG_COLOUR = {0: "grey", 2: "rgb", 3: "palette", 4: "grey+alpha", 6: "rgb+alpha"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Facts of the buffer that decoding makes, allow-listed metadata, and what the decoder needs to know besides.

    conversion: to be done to the codes. depth: of the codes before it. bits: of a code in a HEIC or AVIF file, 8…16.
    inks: codes are CMYK. reader, turn (EXIF 1…8), white_is_zero, premultiplied: how a TIFF is stored.
    """

    facts: PhotoFacts
    metadata: dict[str, str]
    conversion: Conversion | None = None
    depth: Depth
    bits: int | None = None
    inks: bool = False
    reader: Reader = "opencv"
    turn: int = 1
    white_is_zero: bool = False
    premultiplied: bool = False


def read_header(format_: Format, photo: mmap.mmap) -> Header:
    """The header of a photo of a format that sniff told; Refused, or any error of the parser, if it is not one."""
    if format_ == "webp":
        return _webp_header(photo)
    if format_ in {"heic", "avif"}:
        heif = read_heif_header(format_, photo)
        return Header(
            facts=heif.facts, metadata=heif.metadata, conversion=heif.conversion, depth=heif.depth, bits=heif.bits
        )
    return _tiff_header(photo) if format_ == "tiff" else _pillow_header(format_, photo)


def _webp_header(photo: mmap.mmap) -> Header:
    webp = read_webp_header(memoryview(photo))
    if webp.animated:
        raise Refused("animated")
    exif = exif_facts(webp.exif)
    colours = _colours(webp.icc, exif, grey=False)
    facts = PhotoFacts(
        format="webp",
        width=webp.width,
        height=webp.height,
        orientation=exif.orientation,
        layout="rgb",
        depth=colours.depth(8),
        grey=False,
        alpha=webp.alpha,
    )
    return Header(facts=facts, metadata={**exif.metadata, **colours.metadata}, conversion=colours.conversion, depth=8)


def _pillow_header(format_: Format, photo: mmap.mmap) -> Header:
    if format_ == "jpeg":
        check_frame(photo)
    photo.seek(0)
    with _OPENERS[format_](cast("IO[bytes]", photo)) as image:
        if getattr(image, "is_animated", False) and getattr(image, "n_frames", 1) > 1:
            raise Refused("animated")
        width, height = image.size
        depth: Depth = 8
        grey, alpha = image.mode in _GREY_MODES, image.mode in {"RGBA", "LA", "PA"}
        if format_ == "png":
            depth, grey, alpha = _png_kind(photo, colour_key="transparency" in image.info)
        exif = exif_facts(image.info.get("exif"))  # getexif() would decode a PNG's pixels to look behind them
        icc = image.info.get("icc_profile")
        inks = image.mode == "CMYK"
        if inks:
            colours = print_colours(icc)
        elif format_ == "png":
            colours = _png_colours(photo, image.info, exif, grey=grey)
        else:
            colours = _colours(icc, exif, grey=grey)
        facts = PhotoFacts(
            format=format_,
            width=width,
            height=height,
            orientation=exif.orientation,
            layout="rgb",
            depth=colours.depth(depth),
            grey=grey,
            alpha=alpha,
        )
        reader: Reader = "pillow" if inks else "opencv"
        metadata = {**exif.metadata, **colours.metadata}
        return Header(
            facts=facts, metadata=metadata, conversion=colours.conversion, depth=depth, inks=inks, reader=reader
        )


def _png_colours(photo: mmap.mmap, info: dict[Any, Any], exif: ExifFacts, *, grey: bool) -> Colours:
    """In the order of precedence of the PNG specification: cICP, iCCP, sRGB, gAMA."""
    points = find_chunk(memoryview(photo), b"cICP")
    if points is not None and len(points) == 4:
        space = named_space(points[0], points[1])
        return Colours(space="srgb" if grey and space else space)
    colours = _colours(info.get("icc_profile"), exif, grey=grey)
    gamma = info.get("gamma")
    if (
        colours.space is None
        and "icc_profile" not in info
        and "srgb" not in info
        and isinstance(gamma, float)
        and gamma
    ):
        return power_colours(1 / gamma, grey=grey)
    return colours


def _png_kind(photo: mmap.mmap, *, colour_key: bool) -> tuple[Depth, bool, bool]:
    """(depth, grey, alpha) from IHDR: Pillow's modes hide 16-bit RGB.

    A colour key of a grey or 16-bit picture is not followed: no camera writes one.
    """
    bits, colour = photo[24], _PNG_COLOUR[photo[25]]
    depth: Depth = 16 if bits == 16 else 8
    keyed = colour_key and (colour == "palette" or (colour == "rgb" and depth == 8))
    return depth, colour.startswith("grey"), colour.endswith("alpha") or keyed


def _tiff_header(photo: mmap.mmap) -> Header:
    tiff = read_tiff_header(photo)
    exif = exif_facts(photo)
    colours = print_colours(tiff.icc) if tiff.inks else _colours(tiff.icc, exif, grey=tiff.grey)
    # The decoders turn TIFFs upright, so what is stored in the buffer is upright.
    turned = exif.orientation in TRANSPOSED
    facts = PhotoFacts(
        format="tiff",
        width=tiff.height if turned else tiff.width,
        height=tiff.width if turned else tiff.height,
        orientation=1,
        layout="rgb",
        depth=colours.depth(tiff.depth),
        grey=tiff.grey,
        alpha=tiff.alpha,
    )
    return Header(
        facts=facts,
        metadata={**exif.metadata, **colours.metadata},
        conversion=colours.conversion,
        reader=tiff.reader,
        turn=exif.orientation,
        depth=tiff.depth,
        inks=tiff.inks,
        white_is_zero=tiff.white_is_zero,
        premultiplied=tiff.premultiplied,
    )


def _colours(icc: object, exif: ExifFacts, *, grey: bool) -> Colours:
    """What the profile says; where there is none, what cameras say in its place."""
    colours = colours_of(icc, grey=grey)
    return Colours(space="adobe-rgb") if colours.space is None and exif.adobe_rgb and not grey else colours
