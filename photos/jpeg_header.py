"""The frame of a JPEG, found marker by marker, so that what no decoder here reads is refused by its name.

Markers and frame are those of ITU-T T.81, Annex B.
"""

import mmap

from photos.refused import Refused

_READABLE = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended and progressive; Huffman or arithmetic coding
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}  # lossless, hierarchical, JPEG-LS
_ALONE = {0x01, *range(0xD0, 0xD9)}
_FILL = 0xFF
_MOST_SEGMENTS = 4096


def check_frame(photo: mmap.mmap) -> None:
    """Refused for 12 bits or a lossless or hierarchical frame; what else may be wrong is left to the decoder."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if at + 5 > len(photo) or photo[at] != _FILL:
            return
        marker = photo[at + 1]
        if marker == _FILL:
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _READABLE:
            if photo[at + 4] != 8:
                raise Refused("not_8_or_16_bit")
            return
        elif marker in _OTHER_FRAMES:
            raise Refused("odd_jpeg")
        else:
            at += 2 + int.from_bytes(photo[at + 2 : at + 4], "big")
