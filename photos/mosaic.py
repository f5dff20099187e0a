"""Decode a camera raw into its Bayer mosaic, with what turns its counts into linear sRGB, or else into colours.

linear sRGB = M · diag(white balance) · (counts − black) / (white − black)

A raw without a 2×2 mosaic is developed instead (development.py): neither model nor worker need to know other mosaics.
"""

import mmap
from typing import Any, cast

import numpy as np
import rawpy
from numpy.typing import NDArray

from photos.development import develop, developable
from photos.facts import PhotoFacts
from photos.limits import Limits
from photos.raster import CFA_ORDERS, IDENTITY, Raster
from photos.raw_metadata import raw_metadata
from photos.refused import Refused

# LibRaw counts turns in bits (1 mirror, 2 flip, 4 transpose); EXIF counts differently.
_ORIENTATIONS = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}
Matrix = NDArray[Any]
Nine = tuple[float, float, float, float, float, float, float, float, float]
# XYZ (D65) of the sRGB primaries, IEC 61966-2-1.
_XYZ_FROM_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_LARGEST_GAIN = 100.0


def probe_mosaic(photo: mmap.mmap, limits: Limits) -> PhotoFacts:
    """Facts of a camera raw; Refused if it can neither be a mosaic nor be developed, or is larger than `limits`.

    LibRaw tells the colour filter array only once it has unpacked the mosaic, so that is done here too, after the
    size is known to be allowed; a raw that LibRaw cannot unpack is thus refused before anybody waits for it.
    """
    with _opened(photo) as raw:
        check_size(raw.sizes.width, raw.sizes.height, limits)
        return _facts(raw, _cfa(raw))


def decode_mosaic(photo: mmap.mmap, buffer: mmap.mmap) -> Raster:
    """Fill `buffer` with the visible [H, W] uint16 counts, or with [H, W, 3] codes of a raw that has no 2×2 mosaic.

    Says what they mean. Sides may be odd: nothing is cropped. Refused("changed") if it does not fit the buffer.
    """
    with _opened(photo) as raw:
        cfa = _cfa(raw)
        facts = _facts(raw, cfa)
        if facts.pixel_bytes != len(buffer):
            raise Refused("changed")
        if cfa is None:
            return _developed(raw, photo, buffer, facts)
        black, white = _levels(raw)
        mosaic = np.frombuffer(buffer, np.uint16).reshape(facts.height, facts.width)
        np.copyto(mosaic, raw.raw_image_visible)
        return Raster(
            layout="mosaic",
            width=facts.width,
            height=facts.height,
            depth=16,
            curve="linear",
            cfa=cfa,
            black=black,
            white=white,
            white_balance=_white_balance(raw),
            colour_matrix=cast("Nine", colour_matrix(_square(raw.rgb_xyz_matrix), _square(raw.color_matrix))),
            orientation=facts.orientation,
            metadata=raw_metadata(raw, photo),
        )


def check_size(width: int, height: int, limits: Limits) -> None:
    """Refused if a picture of these sides is smaller or larger than `limits`."""
    if max(width, height) > limits.longest_side:
        raise Refused("side_too_long")
    if width * height > limits.pixels:
        raise Refused("too_many_pixels")
    if min(width, height) < limits.shortest_side:
        raise Refused("too_small")


def colour_matrix(camera_from_xyz: Matrix, srgb_from_camera: Matrix) -> tuple[float, ...]:
    """White-balanced camera RGB → linear sRGB, row-major, rows summing to 1.

    LibRaw may know either of two [3, 3] matrices, zeros where it does not.

    From its table, XYZ (D65) → camera RGB: camera_from_srgb = camera_from_xyz · xyz_from_srgb, each row divided by its
    sum, inverted. Else from the file, camera RGB → sRGB, each row divided by its sum. Either way white-balanced white
    (1, 1, 1) is exactly sRGB white. Identity for a camera of which neither is known.
    """
    normalised = _rows_to_one(camera_from_xyz @ _XYZ_FROM_SRGB)
    if normalised is not None and abs(np.linalg.det(normalised)) > 1e-4:
        matrix: Matrix | None = np.linalg.inv(normalised)
    else:
        matrix = _rows_to_one(srgb_from_camera)
    if matrix is None or np.abs(matrix).max() > 100:
        return IDENTITY
    return tuple(float(value) for value in matrix.ravel())


def _rows_to_one(matrix: Matrix) -> Matrix | None:
    sums = matrix.sum(axis=1, keepdims=True)
    if not np.isfinite(matrix).all() or (np.abs(sums) < 1e-6).any():
        return None
    return cast("Matrix", matrix / sums)


def _opened(photo: mmap.mmap) -> rawpy.RawPy:
    raw = rawpy.RawPy()
    photo.seek(0)
    try:
        raw.open_buffer(photo)
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
        raise Refused("unknown_camera") from error
    return raw


def _developed(raw: rawpy.RawPy, photo: mmap.mmap, buffer: mmap.mmap, facts: PhotoFacts) -> Raster:
    _levels(raw)
    develop(raw, np.frombuffer(buffer, np.uint16).reshape(facts.height, facts.width, 3))
    return Raster(
        layout="rgb",
        width=facts.width,
        height=facts.height,
        depth=16,
        curve="srgb",
        white=65535.0,
        grey=facts.grey,
        orientation=facts.orientation,
        metadata=raw_metadata(raw, photo),
    )


def _cfa(raw: rawpy.RawPy) -> str | None:
    """The colours of the 2×2 at the visible origin, None for a raw to be developed; Refused if it is neither."""
    try:
        raw.unpack()
    except (rawpy.LibRawFileUnsupportedError, rawpy.LibRawNotImplementedError) as error:
        raise Refused("unknown_camera") from error
    if developable(raw):
        return None
    if raw.raw_type is not rawpy.RawType.Flat or raw.raw_pattern is None or raw.raw_pattern.shape != (2, 2):
        raise Refused("not_bayer")
    sizes, letters = raw.sizes, raw.color_desc.decode("ascii", "replace")
    cfa = "".join(letters[raw.raw_color(sizes.top_margin + at // 2, sizes.left_margin + at % 2)] for at in range(4))
    if cfa not in CFA_ORDERS or sizes.height < 2 or sizes.width < 2:
        raise Refused("not_bayer")
    return cfa


def _facts(raw: rawpy.RawPy, cfa: str | None) -> PhotoFacts:
    sizes = raw.sizes
    bottom, right = sizes.top_margin + sizes.height, sizes.left_margin + sizes.width
    if bottom > sizes.raw_height or right > sizes.raw_width:
        raise Refused("broken")
    return PhotoFacts(
        format="raw",
        width=sizes.width,
        height=sizes.height,
        orientation=_ORIENTATIONS.get(sizes.flip, 1),
        layout="mosaic" if cfa else "rgb",
        depth=16,
        grey=developable(raw) == "grey",
        alpha=False,
    )


def _levels(raw: rawpy.RawPy) -> tuple[tuple[float, float, float, float], float]:
    """Black per position of the 2×2 at the visible origin, and white; Refused if there is no light between them."""
    per_colour = raw.black_level_per_channel
    if developable(raw):
        black = [float(level) for level in per_colour]
    else:
        top, left = raw.sizes.top_margin, raw.sizes.left_margin
        black = [float(per_colour[raw.raw_color(top + at // 2, left + at % 2)]) for at in range(4)]
    white = float(raw.white_level)
    if not max(black) < white <= 65535:
        raise Refused("broken")
    return cast("tuple[float, float, float, float]", tuple(black)), white


def _white_balance(raw: rawpy.RawPy) -> tuple[float, float, float]:
    """The camera's own multipliers, else daylight's, else none; green is 1."""
    for red, green, blue, _ in (raw.camera_whitebalance, raw.daylight_whitebalance):
        if green <= 0:
            continue
        balance = (red / green, 1.0, blue / green)
        if all(np.isfinite(balance)) and all(1 / _LARGEST_GAIN <= gain <= _LARGEST_GAIN for gain in balance):
            return balance
    return (1.0, 1.0, 1.0)


def _square(matrix: Matrix) -> Matrix:
    return np.asarray(matrix[:3, :3], np.float64)
