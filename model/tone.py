"""The tone curve: what becomes of light that the gain pushed beyond white. A pure function of the exposure ratio.

out │          ···───  1 at the brightest value there can be
    │      ··
    │    /      below the knee the picture is only gained; above it highlights bend (Reinhard's extended curve,
    │  /        Reinhard et al., SIGGRAPH 2002), so lamps and the moon keep their shape instead of turning into discs
    └────────
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.light import encode

KNEE = 0.62
"""Encoded value at which highlights begin to bend."""
ENTRIES = 4096


def brightest(ratio: float) -> float:
    """The largest encoded value after a gain of `ratio` ≥ 1: white of the given photo."""
    return float(encode(max(ratio, 1.0)))


def toned(encoded: ArrayLike, ratio: float) -> NDArray[np.float64]:
    """Encoded value 0…brightest(ratio) → encoded value 0…1 of the result; strictly growing, the identity at ratio 1."""
    encoded = np.clip(np.asarray(encoded, np.float64), 0.0, brightest(ratio))
    excess = np.maximum(encoded - KNEE, 0.0) / (1 - KNEE)
    limit = (brightest(ratio) - KNEE) / (1 - KNEE)
    bent = excess * (1 + excess / limit**2) / (1 + excess)
    return np.where(encoded <= KNEE, encoded, KNEE + (1 - KNEE) * bent)


def tone_table(ratio: float, white: int) -> NDArray[np.float32]:
    """[ENTRIES] output codes (0…white, not yet rounded) of evenly spaced encoded values 0…brightest(ratio)."""
    return (white * toned(np.linspace(0.0, brightest(ratio), ENTRIES), ratio)).astype(np.float32)
