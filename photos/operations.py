"""What the sandboxed child can be asked to do; every answer is plain JSON.

probe   photo                      → {"facts": …}
decode  photo, pixels (written)    → {"raster": …}
encode  pixels, source?, out (written) → {"length": bytes}
any of them                        → {"refused": reason}
"""

import mmap
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import rawpy
from PIL import WebPImagePlugin  # noqa: F401 -- Pillow would look for it, and for all others, at the first picture

from photos.encoding import encode
from photos.facts import FORMATS, Format, PhotoFacts
from photos.header import read_header
from photos.heif_header import prepare_heif
from photos.limits import Limits
from photos.mosaic import check_size, decode_mosaic, probe_mosaic
from photos.picture import decode_picture
from photos.raster import Raster
from photos.record import Record
from photos.refused import Refused

Answer = dict[str, object]
Operation = Callable[[Record, Sequence[mmap.mmap]], Answer]


def _probe(request: Record, maps: Sequence[mmap.mmap]) -> Answer:
    (photo,) = maps
    limits = Limits(
        pixels=request.integer("pixels", 1, 1 << 40),
        shortest_side=request.integer("shortest_side", 1, 1 << 20),
        longest_side=request.integer("longest_side", 1, 1 << 20),
    )
    return {"facts": _facts(_format(request), photo, limits).to_json()}


def _decode(request: Record, maps: Sequence[mmap.mmap]) -> Answer:
    photo, pixels = maps
    format_ = _format(request)
    raster = decode_mosaic(photo, pixels) if format_ == "raw" else decode_picture(format_, photo, pixels)
    return {"raster": raster.to_json()}


def _encode(request: Record, maps: Sequence[mmap.mmap]) -> Answer:
    pixels, *source, out = maps
    raster = Raster.from_json(request.value("raster"))
    format_, depth = request.text("format", 8), request.integer("depth", 8, 16)
    return {"length": encode(pixels, source[0] if source else None, raster, out, format_, depth)}


OPERATIONS: dict[str, Operation] = {"probe": _probe, "decode": _decode, "encode": _encode}


def perform(request: Record, maps: Sequence[mmap.mmap]) -> Answer:
    """Do what the request says; a refusal is an answer.

    A parser that is fed hostile bytes may raise anything: from probe and decode every exception is the photo's fault.
    From encode, which is fed our own pixels, exceptions are our fault and leave as they are.
    """
    operation = request.choice("op", list(OPERATIONS))
    try:
        return OPERATIONS[operation](request, maps)
    except Refused as refused:
        return {"refused": refused.reason}
    except (MemoryError, rawpy.LibRawUnsufficientMemoryError):
        return {"refused": "too_much_memory"}
    except Exception as error:
        if isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem:
            return {"refused": "too_much_memory"}
        if operation == "encode":
            raise
        return {"refused": "broken", "cause": ascii(error)[:200]}


def prepare() -> None:
    """Import and set up all that decoding needs, once, before the fork; starts no thread and touches no OpenMP."""
    cv2.setNumThreads(1)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    prepare_heif()
    _rehearse()


def _rehearse() -> None:
    """Encode and read back a tiny picture of each format: libraries import lazily, and the sandbox opens no files."""
    for depth in (8, 16):
        raster = Raster(
            layout="rgb", width=32, height=32, depth=16 if depth == 16 else 8, curve="srgb", white=(1 << depth) - 1,
            metadata={"make": "Firstlight", "iso": "100"},
        )  # fmt: skip
        pixels = mmap.mmap(-1, raster.pixel_bytes)
        for format_ in ("jpeg", "png", "webp", "tiff") if depth == 8 else ("png", "tiff"):
            out = mmap.mmap(-1, 1 << 17)
            length = encode(pixels, None, raster, out, format_, depth)
            photo = mmap.mmap(-1, length)
            photo[:] = out[:length]
            decode_picture(_format(Record({"format": format_})), photo, mmap.mmap(-1, raster.pixel_bytes))
    np.linalg.inv(np.eye(3))


def _format(request: Record) -> Format:
    name = request.choice("format", FORMATS)
    return next(format_ for format_ in FORMATS if format_ == name)


def _facts(format_: Format, photo: mmap.mmap, limits: Limits) -> PhotoFacts:
    if format_ == "raw":
        return probe_mosaic(photo, limits)
    facts = read_header(format_, photo).facts
    check_size(facts.width, facts.height, limits)
    return facts
