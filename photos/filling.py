"""Put a decoded picture's own codes into the buffer: coloured, unmixed from alpha, converted where need be."""

import cv2
import numpy as np

from photos.header import Header
from photos.planes import Codes, fitted
from photos.refused import Refused

_ROWS = 64


def fill(source: Codes, header: Header, colour: Codes, alpha: Codes | None, *, blue_first: bool) -> None:
    """Fill `colour` [H, W, 3] and `alpha` [H, W].

    `source` is grey [H, W], with alpha [H, W, 2], [H, W, 3 or 4] with blue or red first, or CMYK. Refused("changed") if
    it is not what the header says.
    """
    channels = 1 if source.ndim == 2 else source.shape[2]
    fits = source.shape[:2] == colour.shape[:2] and source.itemsize * 8 == header.depth and channels in {1, 2, 3, 4}
    if not fits or (alpha is not None and channels not in {2, 4}):
        raise Refused("changed")
    if alpha is not None:
        np.copyto(alpha, fitted(source[..., -1], header.facts.depth))
    if header.premultiplied:
        source = _unmixed(source)
    if header.conversion:
        header.conversion.fill(_widened(_channels(source, header, blue_first=blue_first), header), colour)
        return
    _copy(source, colour, blue_first=blue_first)
    if header.white_is_zero:
        np.subtract(np.iinfo(colour.dtype).max, colour, out=colour)
    if _spare_bits(header):
        for plane in (colour, *([] if alpha is None else [alpha])):
            _widen(plane, header)


def _channels(source: Codes, header: Header, *, blue_first: bool) -> Codes:
    """What a conversion reads, mostly a view: grey [H, W], [H, W, 3] with red first, or [H, W, 4] CMYK."""
    if header.inks:
        return source
    if header.facts.grey:
        grey = source if source.ndim == 2 else source[..., 0]
        return np.iinfo(grey.dtype).max - grey if header.white_is_zero else grey
    if source.ndim == 2:  # a palette of greys, which the header could not tell
        return np.repeat(source[..., None], 3, axis=2)
    return source[..., 2::-1] if blue_first else source[..., :3]


def _copy(source: Codes, colour: Codes, *, blue_first: bool) -> None:
    if source.ndim == 3 and source.shape[2] == 2:
        source = np.ascontiguousarray(source[..., 0])
    channels = 1 if source.ndim == 2 else source.shape[2]
    if channels == 3 and not blue_first:
        np.copyto(colour, source)
        return
    code = {
        (1, True): cv2.COLOR_GRAY2RGB,
        (1, False): cv2.COLOR_GRAY2RGB,
        (3, True): cv2.COLOR_BGR2RGB,
        (4, True): cv2.COLOR_BGRA2RGB,
        (4, False): cv2.COLOR_RGBA2RGB,
    }[channels, blue_first]
    written = cv2.cvtColor(source, code, dst=colour)
    if written.__array_interface__["data"] != colour.__array_interface__["data"]:
        raise Refused("changed")


def _unmixed(source: Codes) -> Codes:
    """Colours divided by alpha, which stays; what is wholly transparent stays as it is."""
    top = np.iinfo(source.dtype).max
    unmixed = source.copy()
    for first in range(0, len(source), _ROWS):
        rows = source[first : first + _ROWS].astype(np.float32)
        share = rows[..., -1:] / top
        colours = np.divide(rows[..., :-1], share, out=rows[..., :-1].copy(), where=share > 0)
        unmixed[first : first + _ROWS, :, :-1] = np.rint(np.minimum(colours, top))
    return unmixed


def _spare_bits(header: Header) -> bool:
    return header.bits is not None and 8 < header.bits < 16


def _widened(codes: Codes, header: Header) -> Codes:
    if not _spare_bits(header):
        return codes
    wide = np.array(codes)
    _widen(wide, header)
    return wide


def _widen(plane: Codes, header: Header) -> None:
    """Codes of 10 or 12 bits, those of HEIC still to be shifted up, in place → 16 bits, from 0 to 65535.

    The highest bits follow once more below: 65535 / 1023 and 65535 / 4095 times the code, to within 1.
    """
    bits = header.bits or 16
    shift = 0 if header.facts.format == "heic" else 16 - bits
    for row in plane:
        np.left_shift(row, shift, out=row)
        np.bitwise_or(row, row >> bits, out=row)
