"""What the header of a JPEG, PNG, WebP, TIFF, HEIC or AVIF says: facts for the probe, and metadata for the result."""

import itertools
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, cast

import tifffile
from PIL import ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from photos.facts import Depth, Format, PhotoFacts
from photos.heif_header import read_heif_header
from photos.metadata import exif_facts, icc_text
from photos.refused import Refused
from photos.webp_header import read_webp_header

_OPENERS: dict[str, Callable[[IO[bytes]], ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
}
_GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "F"}
_REDUCED, _MASK = 1, 4
_MOST_PAGES = 8
_INTERLEAVED = 1
_ASSOCIATED, _UNASSOCIATED = (1,), (2,)  # kinds of alpha
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_PNG_COLOUR = {0: "grey", 2: "rgb", 3: "palette", 4: "grey+alpha", 6: "rgb+alpha"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Facts of the picture and allow-listed metadata.

    white_is_zero: how a TIFF's grey is meant. bits: of a code in a HEIC or AVIF file, 8…16.
    """

    facts: PhotoFacts
    metadata: dict[str, str]
    white_is_zero: bool = False
    bits: int | None = None


def read_header(format_: Format, photo: mmap.mmap) -> Header:
    """The header of a photo of a format that sniff told; Refused, or any error of the parser, if it is not one."""
    if format_ == "webp":
        return _webp_header(photo)
    if format_ in {"heic", "avif"}:
        facts, metadata, bits = read_heif_header(format_, photo)
        return Header(facts=facts, metadata=metadata, bits=bits)
    return _tiff_header(photo) if format_ == "tiff" else _pillow_header(format_, photo)


def _webp_header(photo: mmap.mmap) -> Header:
    webp = read_webp_header(memoryview(photo))
    if webp.animated:
        raise Refused("animated")
    exif = exif_facts(webp.exif)
    facts = PhotoFacts(
        format="webp",
        width=webp.width,
        height=webp.height,
        orientation=exif.orientation,
        layout="rgb",
        depth=8,
        grey=False,
        alpha=webp.alpha,
    )
    return Header(facts=facts, metadata={**exif.metadata, **icc_text(webp.icc, grey=False)})


def _pillow_header(format_: Format, photo: mmap.mmap) -> Header:
    photo.seek(0)
    with _OPENERS[format_](cast("IO[bytes]", photo)) as image:
        if getattr(image, "is_animated", False) and getattr(image, "n_frames", 1) > 1:
            raise Refused("animated")
        if image.mode == "CMYK":
            raise Refused("cmyk")
        width, height = image.size
        depth: Depth = 8
        grey, alpha = image.mode in _GREY_MODES, image.mode in {"RGBA", "LA", "PA"}
        if format_ == "png":
            depth, grey, alpha = _png_kind(photo, colour_key="transparency" in image.info)
        exif = exif_facts(image.info.get("exif"))  # getexif() would decode a PNG's pixels to look behind them
        facts = PhotoFacts(
            format=format_,
            width=width,
            height=height,
            orientation=exif.orientation,
            layout="rgb",
            depth=depth,
            grey=grey,
            alpha=alpha,
        )
        return Header(facts=facts, metadata={**exif.metadata, **icc_text(image.info.get("icc_profile"), grey=grey)})


def _png_kind(photo: mmap.mmap, *, colour_key: bool) -> tuple[Depth, bool, bool]:
    """(depth, grey, alpha) from IHDR: Pillow's modes hide 16-bit RGB.

    A colour key of a grey or 16-bit picture is not followed: no camera writes one.
    """
    bits, colour = photo[24], _PNG_COLOUR[photo[25]]
    depth: Depth = 16 if bits == 16 else 8
    keyed = colour_key and (colour == "palette" or (colour == "rgb" and depth == 8))
    return depth, colour.startswith("grey"), colour.endswith("alpha") or keyed


def _tiff_header(photo: mmap.mmap) -> Header:
    photo.seek(0)
    with tifffile.TiffFile(photo) as file:
        pages = list(itertools.islice(file.pages, _MOST_PAGES))
        page = pages[0]
        if not isinstance(page, tifffile.TiffPage):
            raise Refused("broken")
        if sum(not _is_extra(other) for other in pages) > 1:
            raise Refused("animated")
        depth = _tiff_depth(page)
        photometric, samples = int(page.photometric), page.samplesperpixel
        if photometric == _CMYK:
            raise Refused("cmyk")
        grey = photometric in {_WHITE_IS_ZERO, _BLACK_IS_ZERO}
        least = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _YCBCR: 3}.get(photometric)
        if least is None or not least <= samples <= 4 or (depth == 16 and photometric in {_PALETTE, _YCBCR}):
            raise Refused("not_plain_colours")
        if depth == 16 and samples > 1 and int(page.planarconfig) != _INTERLEAVED:
            raise Refused("planes_apart")  # OpenCV gets them wrong
        exif = exif_facts(photo)
        turn = exif.orientation
        icc = page.tags.get(TiffImagePlugin.ICCPROFILE)
        # The decoders turn TIFFs upright themselves, so what is stored in the buffer is upright.
        sides = (page.imagelength, page.imagewidth) if turn >= 5 else (page.imagewidth, page.imagelength)
        facts = PhotoFacts(
            format="tiff",
            width=sides[0],
            height=sides[1],
            orientation=1,
            layout="rgb",
            depth=depth,
            grey=grey,
            alpha=photometric == _RGB and samples == 4 and page.extrasamples[:1] in {_ASSOCIATED, _UNASSOCIATED},
        )
        metadata = {**exif.metadata, **icc_text(icc.value if icc else None, grey=grey)}
        return Header(facts=facts, metadata=metadata, white_is_zero=photometric == _WHITE_IS_ZERO)


def _is_extra(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    """Whether a page is only a thumbnail or a mask of another."""
    return isinstance(page, tifffile.TiffPage) and bool(int(page.subfiletype) & (_REDUCED | _MASK))


def _tiff_depth(page: tifffile.TiffPage) -> Depth:
    if int(page.sampleformat) != 1 or page.bitspersample not in {1, 8, 16}:
        raise Refused("not_8_or_16_bit")
    return 16 if page.bitspersample == 16 else 8
