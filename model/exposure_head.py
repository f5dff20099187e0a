"""The exposure head: what ratio, contrast and colour a photo asks for, from its impression.

    numbers ─ two layers ─▶ stops from the anchor ─▶ ratio
    numbers, ratio ─ two layers ─▶ contrast, saturation, shares of the colour cast to be repaired

Plain NumPy, so that both runtimes share it; trained by `exposure_head_training` on synthetic tone pairs.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.impression import Impression, smooth
from model.light import LUMA
from model.weights import load_weights

SHIPPED = Path(__file__).parent / "weights" / "exposure.safetensors"
SMALLEST, LARGEST = 1.0, 300.0
IDLE_STOPS, SURE_STOPS = 0.35, 1.2
"""Below IDLE_STOPS a photo counts as bright and is left alone; from SURE_STOPS on the head is believed."""
NIGHT_STOPS, NIGHT_SHARE = -1.2, 0.6
"""A lamp-lit night wants to be darker than a room, at an encoded mean of 0.32, and to keep its contrast; how much that
counts beside the head, which knows nights only by halves: lamps were painted into photos of the day."""
FULL_STOPS = 2.0
"""Stops of gain from which contrast and colour are changed as much as the head says; at none they are not."""
CONTRAST, SATURATION, REPAIR, LARGEST_GAIN, LIFT = 0.5, 0.6, 0.8, 0.25, 2.0
"""Bounds: log of contrast, log of saturation, share of a cast, log of an encoded channel's gain, steps of lift."""
FAR = 3.5
"""Standard deviations beyond which a number is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a photo is developed beyond its gain.

    contrast: exponent around the tone curve's pivot. blend: [3, 3] as in `plan.Plan`, None for the identity.
    lift: [3] linear light to be added to R, G, B before the gain: what a camera's black level took away.
    """

    contrast: float
    blend: NDArray[np.float32] | None
    lift: NDArray[np.float64]


PLAIN = Look(contrast=1.0, blend=None, lift=np.zeros(3))
"""The look that changes nothing."""


@lru_cache(maxsize=2)
def load_head(path: Path = SHIPPED) -> dict[str, NDArray[np.float32]]:
    """The head's arrays; raises as `weights.load_weights`."""
    return load_weights(path).arrays


def layers(seen: NDArray[np.float64], arrays: dict[str, NDArray[np.float32]], name: str) -> NDArray[np.float64]:
    """Two hidden layers of tanh and a linear one."""
    for layer in ("first", "second"):
        seen = np.tanh(arrays[f"{name}.{layer}.weight"] @ seen + arrays[f"{name}.{layer}.bias"])
    return np.asarray(arrays[f"{name}.last.weight"] @ seen + arrays[f"{name}.last.bias"])


def standard(seen: Impression, arrays: dict[str, NDArray[np.float32]]) -> NDArray[np.float64]:
    """The impression's numbers as the layers know them: mean 0, deviation 1, nothing far out."""
    return ((seen.numbers - arrays["mean"]) / arrays["deviation"]).clip(-FAR, FAR)


def wanted_ratio(seen: Impression, arrays: dict[str, NDArray[np.float32]]) -> float:
    """Exposure ratio 1…300; exactly 1 for a photo that is bright already, and for a black one."""
    if seen.lit == 0:
        return SMALLEST
    stops = np.log2(seen.anchor) + float(layers(standard(seen, arrays), arrays, "exposure")[0])
    night = np.log2(seen.anchor) + NIGHT_STOPS
    stops = min(stops, stops + NIGHT_SHARE * seen.lamps * (night - stops))
    return float(np.clip(2.0 ** (stops * smooth((stops - IDLE_STOPS) / (SURE_STOPS - IDLE_STOPS))), SMALLEST, LARGEST))


def wanted_look(seen: Impression, ratio: float, arrays: dict[str, NDArray[np.float32]]) -> Look:
    """Contrast and colour for a photo gained by `ratio`: smooth in it, and nothing at 1."""
    stops = float(np.log2(ratio))
    if stops <= 0:
        return PLAIN
    numbers = np.append(standard(seen, arrays), [stops / 4, (stops - np.log2(seen.anchor)).clip(-3, 3)])
    said = np.tanh(layers(numbers, arrays, "look")) * smooth(stops / FULL_STOPS)
    lift = LIFT * seen.lost * said[4:]
    return Look(
        contrast=float(np.exp(CONTRAST * said[0] * (1 - NIGHT_SHARE * seen.lamps))),
        blend=blend(float(np.exp(SATURATION * said[1])), -REPAIR * said[2:4] @ seen.casts),
        lift=lift.mean() + seen.coloured * (lift - lift.mean()),
    )


def blend(saturation: float, gains: NDArray[np.float64]) -> NDArray[np.float32]:
    """[3, 3] for encoded colours: channels gained by exp(gains), grey keeping its luma, then saturated around luma."""
    gained = np.exp(LARGEST_GAIN * np.tanh(gains / LARGEST_GAIN))
    gained = gained / (LUMA @ gained)
    around = np.outer(np.ones(3), LUMA)
    return np.asarray((around + saturation * (np.eye(3) - around)) @ np.diag(gained), np.float32)
