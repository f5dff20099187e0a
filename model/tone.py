"""The tone curve: contrast, and what becomes of light that the gain pushed beyond white.

out │          ···───  1 at the brightest value there can be
    │      ··
    │    /      below the knee the picture keeps its contrast, or gets another by a power around PIVOT; above it
    │  /        highlights bend (Reinhard's extended curve, Reinhard et al., SIGGRAPH 2002), so lamps and the moon
    └────────   keep their shape instead of turning into discs

A pure function of exposure ratio and contrast. Its constants lie in `tone.json`, for the page's preview as well.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.curves import CURVES
from model.light import decode, encode

KNEE: float = CURVES["tone"]["knee"]
"""Encoded value at which highlights begin to bend."""
PIVOT: float = CURVES["tone"]["pivot"]
"""Encoded value that contrast leaves where it is."""
TOE: float = CURVES["tone"]["toe"]
"""Keeps the slope at black finite when contrast is below 1, so that noise there is not lifted without bound."""
ENTRIES: int = CURVES["tone"]["entries"]


def brightest(ratio: float) -> float:
    """The largest encoded value after a gain of `ratio` ≥ 1: white of the given photo."""
    return float(encode(max(ratio, 1.0)))


def contrasted(encoded: ArrayLike, contrast: float) -> NDArray[np.float64]:
    """Encoded value ≥ 0 → the same with another contrast, an exponent around PIVOT; strictly growing, 0 stays 0.

    Above 1 it goes on in a straight line, lest a power of large values flatten lamps.
    """
    value = np.asarray(encoded, np.float64)
    bottom = TOE**contrast
    scale = PIVOT / ((PIVOT + TOE) ** contrast - bottom)
    inside = (np.minimum(value, 1.0) + TOE) ** contrast - bottom
    slope = contrast * (1 + TOE) ** (contrast - 1)
    return np.asarray(scale * (inside + slope * np.maximum(value - 1.0, 0.0)))


def toned(encoded: ArrayLike, ratio: float, contrast: float = 1.0) -> NDArray[np.float64]:
    """Encoded value 0…brightest(ratio) → encoded value 0…1 of the result.

    Strictly growing; the identity at ratio 1 and contrast 1.
    """
    top = brightest(ratio)
    light = contrasted(np.clip(np.asarray(encoded, np.float64), 0.0, top), contrast)
    excess = np.maximum(light - KNEE, 0.0) / (1 - KNEE)
    limit = (float(contrasted(top, contrast)) - KNEE) / (1 - KNEE)
    bent = excess * (1 + excess / limit**2) / (1 + excess)
    return np.where(light <= KNEE, light, KNEE + (1 - KNEE) * bent)


def tone_table(ratio: float, white: int, contrast: float = 1.0) -> NDArray[np.float32]:
    """[ENTRIES] output codes (0…white, not yet rounded) of evenly spaced encoded values 0…brightest(ratio)."""
    return (white * toned(np.linspace(0.0, brightest(ratio), ENTRIES), ratio, contrast)).astype(np.float32)


def previewed(
    codes: NDArray[np.uint8], ratio: float, contrast: float, lift: ArrayLike, blend: NDArray[np.float32] | None
) -> NDArray[np.uint8]:
    """8-bit sRGB codes [..., 3] → the codes of the result, were there no noise to remove.

    What the page shows while somebody moves a slider: three tables of 256 gained values, the blend, the tone table.
    `lift` is [3] linear light added before the gain, `blend` [3, 3] or None, as in `exposure_head.Look`.
    """
    light = decode(np.arange(256) / 255)[:, None] + np.asarray(lift, np.float64)
    gained = encode(ratio * light)[codes, np.arange(3)]
    mixed = gained if blend is None else gained @ blend.T
    entries = np.linspace(0.0, brightest(ratio), ENTRIES)
    return np.asarray(np.interp(mixed, entries, tone_table(ratio, 255, contrast)).round(), np.uint8)
