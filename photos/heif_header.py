"""The header of a HEIC or AVIF file: its primary picture, and what is kept of its metadata.

libheif parses both, for AVIF shares its boxes; no pixel is decoded. Of a file of several pictures (a burst, a live
photo, depth and gain maps) the primary one is taken; a sequence is refused. What turns the picture is the file's own
irot and imir, EXIF orientation is not followed (ISO/IEC 23008-12 §6.5.10, MIAF §7.3.10): libheif turns HEIC upright
itself, so its orientation is 1; OpenCV leaves AVIF as stored, so irot and imir become its orientation.
"""

import mmap
from dataclasses import dataclass
from typing import IO, Any, cast

import pi_heif  # type: ignore[import-untyped]
from PIL import AvifImagePlugin

from photos.colour_conversion import Conversion
from photos.colours import Colours, colours_of
from photos.facts import Depth, Format, PhotoFacts
from photos.metadata import exif_facts
from photos.nclx import named_space
from photos.refused import Refused

_SEQUENCES = (b"hevc", b"hevx", b"msf1", b"avis")
_DEPTHS = {8, 10, 12, 16}


def prepare_heif() -> None:
    """Have both libraries decode with as few threads as they can, and only the picture itself.

    libheif still asks libde265 for one worker thread a picture; the sandbox lets threads start.
    """
    pi_heif.options.DECODE_THREADS = 0
    for extra in ("THUMBNAILS", "DEPTH_IMAGES", "AUX_IMAGES"):
        setattr(pi_heif.options, extra, False)
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def opened(photo: mmap.mmap) -> pi_heif.HeifFile:
    """The file with its pictures not yet decoded; 16-bit codes where it has more than 8, blue first."""
    photo.seek(0)
    return pi_heif.open_heif(photo, convert_hdr_to_8bit=False, hdr_to_16bit=True, bgr_mode=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeifHeader:
    """Facts of the buffer that decoding makes, metadata, and the codes before their conversion, if there is one.

    bits: of a code in the file, 8…16. depth: of a code as decoded.
    """

    facts: PhotoFacts
    metadata: dict[str, str]
    conversion: Conversion | None
    depth: Depth
    bits: int


def read_heif_header(format_: Format, photo: mmap.mmap) -> HeifHeader:
    """The header; Refused for a sequence or an HDR curve (PQ, HLG)."""
    orientation, frames, size = _avif_turn(photo) if format_ == "avif" else (1, 1, None)
    if frames > 1 or (format_ == "heic" and photo[8:12] in _SEQUENCES):
        raise Refused("animated")
    file = opened(photo)
    info: dict[str, Any] = file.info
    bits = int(info["bit_depth"])
    channels, _, deep = file.mode.partition(";")
    if bits not in _DEPTHS or (bits > 8) != bool(deep) or channels not in _CHANNELS:
        raise Refused("not_8_or_16_bit")
    if channels.endswith("a"):
        raise Refused("premultiplied")
    width, height = size or file.size
    grey, alpha = _CHANNELS[channels]
    colours = _colours(info, grey=grey)
    depth: Depth = 16 if bits > 8 else 8
    facts = PhotoFacts(
        format=format_,
        width=width,
        height=height,
        orientation=orientation,
        layout="rgb",
        depth=colours.depth(depth),
        grey=grey,
        alpha=alpha,
    )
    return HeifHeader(
        facts=facts,
        metadata={**exif_facts(info.get("exif")).metadata, **colours.metadata},
        conversion=colours.conversion,
        depth=depth,
        bits=bits,
    )


# channels as libheif names them → (grey, alpha)
_CHANNELS = {
    "L": (True, False),
    "I": (True, False),
    "LA": (True, True),
    "La": (True, True),
    "BGR": (False, False),
    "BGRA": (False, True),
    "BGRa": (False, True),
}


def _avif_turn(photo: mmap.mmap) -> tuple[int, int, tuple[int, int]]:
    """Orientation as EXIF counts it, frames, and the sides as stored."""
    photo.seek(0)
    with AvifImagePlugin.AvifImageFile(cast("IO[bytes]", photo)) as image:
        turn = exif_facts(image.info.get("exif")).orientation  # Pillow put irot and imir there, and nothing else
        return turn, image.n_frames, image.size


def _colours(info: dict[str, Any], *, grey: bool) -> Colours:
    """As the ICC profile says, or the code points that stand for it."""
    if "icc_profile" in info:
        return colours_of(info["icc_profile"], grey=grey)
    points = info.get("nclx_profile") or {}
    space = named_space(points.get("color_primaries", 2), points.get("transfer_characteristics", 2))
    # A picture that names sRGB by number needs no profile to be shown right.
    return Colours(space=None if grey or space == "srgb" else space)
