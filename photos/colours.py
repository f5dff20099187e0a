"""What becomes of a picture's colours: its codes kept and named, or converted to codes that can be.

Well-known spaces keep every code, and the result says the space in a profile of our own. A picture without a profile
stays without. A curve or primaries of another kind are converted, to sRGB where that holds all their colours and to
Display P3 where not; so are print colours. A profile that makes no sense, or of another kind than the picture, counts
as none, as viewers do it.
"""

from dataclasses import dataclass

import numpy as np

from photos.colour_conversion import Conversion, CurveConversion, table_conversion
from photos.colour_space import SPACES, ColourSpace, Numbers, codes, to_pcs
from photos.facts import Depth
from photos.icc_reading import Curve, IccProfile, read_icc
from photos.refused import Refused

_PLACES = np.linspace(0, 1, 257)
_CURVE_TOLERANCE = 0.01  # of a code, which old cameras' 1,024 sampled steps of sRGB keep
_PRIMARY_TOLERANCE = 0.004  # of XYZ, which every maker's rounding of the same primaries keeps
_OUTSIDE = -0.01  # light of a primary that sRGB cannot hold
_SRGB, _WIDE = "srgb", "display-p3"
_GREY_SPACES = ("srgb", "gamma-2.2")
_PLAIN_GAMMA = (2.0, 2.5)  # of PNG: what viewers show as sRGB


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """space: a name of COLOUR_SPACES that codes are in once decoded, or None where the photo does not say.

    conversion: what the decoder must do to its codes before they are; None to keep them.
    """

    space: str | None = None
    conversion: Conversion | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """The space as it travels beside the pixels."""
        return {"colour_space": self.space} if self.space else {}

    def depth(self, stored: Depth) -> Depth:
        """Bits of a code in the buffer, for a picture stored with so many."""
        if self.conversion is None:
            return stored
        return 16 if isinstance(self.conversion, CurveConversion) else 8


def colours_of(block: object, *, grey: bool) -> Colours:
    """The colours of a grey or an RGB picture with this ICC profile, if any."""
    profile = read_icc(block)
    if profile is None or profile.kind != ("grey" if grey else "rgb"):
        return Colours()
    if grey:
        return _grey_colours(profile.curves[0])
    if profile.matrix is None:
        conversion = table_conversion(block, "RGB") if isinstance(block, bytes) else None
        return Colours(space=_SRGB, conversion=conversion) if conversion else Colours()
    return _matrix_colours(profile, profile.matrix)


def print_colours(block: object) -> Colours:
    """The colours of a CMYK picture; Refused("cmyk") without a profile that says what its inks look like."""
    profile = read_icc(block)
    if profile is not None and profile.kind == "cmyk" and isinstance(block, bytes):
        conversion = table_conversion(block, "CMYK")
        if conversion:
            return Colours(space=_SRGB, conversion=conversion)
    raise Refused("cmyk")


def power_colours(exponent: float, *, grey: bool) -> Colours:
    """The colours of a picture that says nothing but the power of its curve, as gAMA of a PNG does."""
    if _PLAIN_GAMMA[0] <= exponent <= _PLAIN_GAMMA[1] or not 0.1 < exponent < 10:
        return Colours()

    def curve(places: Numbers) -> Numbers:
        return np.asarray(places**exponent)

    if grey:
        return Colours(space=_SRGB, conversion=CurveConversion(curves=(curve,)))
    return Colours(space=_SRGB, conversion=CurveConversion(curves=(curve,) * 3, matrix=np.eye(3)))


def _grey_colours(curve: Curve) -> Colours:
    for name in _GREY_SPACES:
        if _is_like(curve, SPACES[name]):
            return Colours(space=name)
    return Colours(space=_SRGB, conversion=CurveConversion(curves=(curve,)))


def _matrix_colours(profile: IccProfile, matrix: Numbers) -> Colours:
    for name, space in SPACES.items():
        close = np.abs(to_pcs(space) - matrix).max() <= _PRIMARY_TOLERANCE
        if close and all(_is_like(curve, space) for curve in profile.curves):
            return Colours(space=name)
    into_srgb = np.linalg.solve(to_pcs(SPACES[_SRGB]), matrix)
    target = _SRGB if into_srgb.min() >= _OUTSIDE else _WIDE
    into = np.asarray(np.linalg.solve(to_pcs(SPACES[target]), matrix), np.float64)
    return Colours(space=target, conversion=CurveConversion(curves=profile.curves, matrix=into))


def _is_like(curve: Curve, space: ColourSpace) -> bool:
    """Whether codes of `curve` shown with the curve of `space` are off by less than anybody sees."""
    shown = codes(space, np.clip(curve(_PLACES), 0, 1))
    return bool(np.abs(shown - _PLACES).max() <= _CURVE_TOLERANCE)
