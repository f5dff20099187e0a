"""Colour code points (ITU-T H.273), as HEIF and PNG carry them, as a colour space of ours."""

from photos.refused import Refused

_UNSPECIFIED = 2
# Transfer characteristics that a viewer shows as sRGB: BT.709 and its twins, gamma 2.2, sRGB, unspecified.
_SDR_CURVES = {1, 2, 4, 6, 13, 14, 15}
# Colour primaries; whatever else is named is shown as BT.709, which sRGB shares.
_SPACES = {1: "srgb", 9: "bt2020", 12: "display-p3"}


def named_space(primaries: int = _UNSPECIFIED, transfer: int = _UNSPECIFIED) -> str | None:
    """The space of these code points, None where they say nothing; Refused("hdr") for a curve like PQ or HLG."""
    if transfer not in _SDR_CURVES:
        raise Refused("hdr")
    return _SPACES.get(primaries)
