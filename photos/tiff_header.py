"""The header of a TIFF: its one picture, and which library reads a picture stored so.

not compressed or deflated ──▶ tifffile: any layout, any byte order, 8 and 16 bits
otherwise 8 bits ──▶ Pillow      16 bits ──▶ OpenCV, which gets planes apart and grey with alpha wrong
"""

import itertools
import mmap
from dataclasses import dataclass
from typing import Literal

import tifffile
from PIL import TiffImagePlugin

from photos.facts import Depth
from photos.refused import Refused

Reader = Literal["tifffile", "pillow", "opencv"]

_REDUCED, _MASK = 1, 4
_MOST_PAGES = 8
_INTERLEAVED = 1
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_GREY = {_WHITE_IS_ZERO, _BLACK_IS_ZERO}
_PLAIN_SAMPLES = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _PALETTE: 1, _CMYK: 4, _YCBCR: 3}
_MOST_EXTRA = 1
_NONE, _JPEG, _DEFLATE = 1, {6, 7}, {8, 32946}
_OPENCVS = {1, 5, 8, 32773, 32946}  # of what it decodes, those that somebody writes with 16 bits
_LARGEST_PROFILE = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffHeader:
    """Sides as stored, before `turn` (EXIF 1…8, filled in by the caller); depth, colours and alpha of the codes.

    inks: the codes are CMYK. premultiplied: colours are mixed with alpha. white_is_zero: for whoever reads by `reader`.
    """

    width: int
    height: int
    depth: Depth
    grey: bool
    inks: bool
    alpha: bool
    premultiplied: bool
    white_is_zero: bool
    icc: bytes | None
    reader: Reader


def read_tiff_header(photo: mmap.mmap) -> TiffHeader:
    """The header; Refused if there are several pages, or the codes are neither grey, RGB nor CMYK of 8 or 16 bits."""
    photo.seek(0)
    with tifffile.TiffFile(photo) as file:
        page = _only_page(file)
        photometric, samples, depth = int(page.photometric), page.samplesperpixel, _depth(page)
        plain = _PLAIN_SAMPLES.get(photometric)
        if plain is None or not plain <= samples <= plain + _MOST_EXTRA:
            raise Refused("not_plain_colours")
        if depth == 16 and photometric in {_PALETTE, _CMYK, _YCBCR}:
            raise Refused("not_plain_colours")
        if not all(page.dataoffsets):
            raise Refused("broken")  # tifffile would leave such a strip black
        extra = page.extrasamples[:1]
        alpha = samples > plain and photometric in {*_GREY, _RGB} and extra in {(_ASSOCIATED,), (_UNASSOCIATED,)}
        icc = page.tags.get(TiffImagePlugin.ICCPROFILE)
        reader = _reader(page, depth)
        return TiffHeader(
            width=page.imagewidth,
            height=page.imagelength,
            depth=depth,
            grey=photometric in _GREY,
            inks=photometric == _CMYK,
            alpha=alpha,
            premultiplied=alpha and extra == (_ASSOCIATED,) and reader != "pillow",
            white_is_zero=photometric == _WHITE_IS_ZERO and reader != "pillow",
            icc=icc.value if icc and isinstance(icc.value, bytes) and len(icc.value) <= _LARGEST_PROFILE else None,
            reader=reader,
        )


def _only_page(file: tifffile.TiffFile) -> tifffile.TiffPage:
    pages = list(itertools.islice(file.pages, _MOST_PAGES))
    if not isinstance(pages[0], tifffile.TiffPage):
        raise Refused("broken")
    if sum(not _is_extra(other) for other in pages) > 1:
        raise Refused("animated")
    return pages[0]


def _is_extra(page: tifffile.TiffPage | tifffile.TiffFrame) -> bool:
    """Whether a page is only a thumbnail or a mask of another."""
    return isinstance(page, tifffile.TiffPage) and bool(int(page.subfiletype) & (_REDUCED | _MASK))


def _depth(page: tifffile.TiffPage) -> Depth:
    if int(page.sampleformat) != 1 or page.bitspersample not in {1, 8, 16}:
        raise Refused("not_8_or_16_bit")
    return 16 if page.bitspersample == 16 else 8


def _reader(page: tifffile.TiffPage, depth: Depth) -> Reader:
    """Who reads it right; Refused("odd_tiff") if nobody does."""
    compression, photometric, samples = int(page.compression), int(page.photometric), page.samplesperpixel
    simple = compression == _NONE or compression in _DEFLATE
    if simple and page.bitspersample >= 8 and photometric not in {_PALETTE, _YCBCR} and all(page.databytecounts):
        return "tifffile"
    apart = int(page.planarconfig) != _INTERLEAVED and samples > 1
    if depth == 16:
        if apart or samples == 2 or compression not in _OPENCVS:
            raise Refused("odd_tiff")
        return "opencv"
    if (apart and samples != 3) or (photometric == _CMYK and (samples > 4 or compression in _JPEG)):
        raise Refused("odd_tiff")
    return "pillow"
