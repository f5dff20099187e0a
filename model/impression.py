"""What a thumbnail tells about exposure, contrast and colour: a few dozen numbers, the eyes of the exposure head.

All are taken from the thumbnail gained by an *anchor*, the ratio that brings it to a room's brightness, so that they
tell the same of a scene however dark it was taken; how dark, and how coarse its codes are then, are two more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.light import LUMA, encode

ROOM = 0.45
"""Encoded mean to which the anchor brings a picture: the middle of LOL's bright halves."""
BRIGHTEST_ANCHOR = 4096.0
ROOM_STOPS, LAMP_STOPS = 4.0, 5.5
"""From a photo's middle to its brightest: in a room at most, and at night from there on. LOL's have 0.8…3.5."""
QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.995)
STEPS_OF_NOTHING = 1.6
"""Source steps above black, as linear light, up to which there is nothing to see."""
UNSHARED, SHARED = 0.4, 0.9
"""How far a frame must share a cast for it to count as one at all, and wholly."""
DEAD = 0.2
"""The share of wholly black cells from which black is taken for black."""
COOL = 0.2
"""Log of encoded blue over red at which a cast is cool."""
COLOURED = 0.01
"""Mean distance of encoded colours from grey from which a photo counts as coloured."""
FEWEST = 0.02
"""The share of cells that must hold something; else the brightest such share is taken."""
GREY_BELOW, CLIPPED_ABOVE = 0.06, 1.05
"""Encoded values, gained, outside which a cell says nothing of the light's colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impression:
    """What is known of a photo before its first tile.

    lit: 0…1, the share of cells that hold something to bring to light; 0 for a black photo.
    anchor: the ratio, not bounded, at which what is lit would be as bright as a room.
    lamps: 0…1, whether the brightest of it stands as far above the middle as lamps do above a street at night.
    numbers: [NUMBERS] what the head sees.
    casts: [2, 3] log of encoded R, G, B against their mean, over the whole frame and over its brighter part; the less
        the frame shares them, the smaller, down to none.
    lost: linear light, one code's at most, that a camera's black level may have taken; 0 for a sensor's codes, whose
        black level is known, and where much of the frame is wholly black, which would turn to haze.
    coloured: 0…1, 0 for a grey photo, 1 for nearly all others.
    """

    lit: float
    anchor: float
    lamps: float
    numbers: NDArray[np.float64]
    casts: NDArray[np.float64]
    lost: float
    coloured: float


def impression(light: NDArray[np.float64], step: float, *, linear: bool) -> Impression:
    """The impression of a thumbnail [h, w, 3] in linear light, its source's codes `step` apart at black.

    `linear`: the codes are a sensor's, without a camera's curve. A black thumbnail gives finite numbers too.
    """
    luminance = np.maximum(light @ LUMA, 0.0)
    floor = min(STEPS_OF_NOTHING * step, float(np.quantile(luminance, 1 - FEWEST)))
    lit = luminance[luminance > floor]
    middle = float((lit ** (1 / 2.4)).mean()) ** 2.4 if lit.size else 0.17
    anchor = min(0.17 / max(middle, 1e-9), BRIGHTEST_ANCHOR)
    seen = encode(anchor * light).clip(0.0, 2.0)
    luma = seen @ LUMA
    quantiles = np.quantile(encode(anchor * (lit if lit.size else luminance)), QUANTILES).clip(0.0, 4.0)
    casts, shared = colour_cast(seen, luma)
    numbers = [
        *np.log2(quantiles + 0.02),
        np.log2(anchor) / 4,
        np.log2(np.clip(anchor * step, 1e-4, 1.0)) / 4,
        float(linear),
        lit.size / luminance.size,
        *(light < STEPS_OF_NOTHING * step).mean((0, 1)),
        (luminance > 0.7).mean(),
        luminance.max(),
        *colours(seen, luma),
        *layout(luma),
        *casts[:, [0, 2]].ravel(),
        shared,
        *shadows(light, luminance, step),
    ]
    return Impression(
        lit=lit.size / luminance.size,
        anchor=anchor,
        lamps=lamps(lit),
        numbers=np.array(numbers, np.float64),
        casts=casts * believed(casts[0], shared),
        lost=0.0 if linear else step * (1 - smooth(float((light.max(-1) < 0.2 * step).mean()) / DEAD)),
        coloured=min(1.0, float(np.abs(seen - luma[..., None]).mean()) / COLOURED),
    )


def lamps(lit: NDArray[np.float64]) -> float:
    """See `Impression`; of the luminance of lit cells."""
    if not lit.size:
        return 0.0
    middle, high = np.quantile(lit, [0.5, 0.995])
    return smooth((float(np.log2(high / middle)) - ROOM_STOPS) / (LAMP_STOPS - ROOM_STOPS))


def shadows(light: NDArray[np.float64], luminance: NDArray[np.float64], step: float) -> list[float]:
    """How far above black, in steps, the darkest cells' colours lie, and where red and blue end as green ends: eleven.

    Regressed on green over dark cells, red and blue that meet black before it were cut off by the camera.
    """
    steps = (np.maximum(light, 0.0) / step).reshape(-1, 3)
    order = np.argsort(luminance.ravel())
    found = []
    for share in (0.1, 0.25, 0.5):
        found += list(np.log2(0.25 + steps[order[: max(1, int(share * len(order)))]].mean(0)))
    weight = 1 / (steps[:, 1] + 2) ** 2
    mean = weight @ steps / weight.sum()
    slope = (weight * (steps[:, 1] - mean[1])) @ (steps - mean) / (weight @ (steps[:, 1] - mean[1]) ** 2 + 1e-6)
    ends = (mean - slope * mean[1])[[0, 2]]
    return found + list(np.arcsinh(2 * ends))


def smooth(share: float) -> float:
    """0…1 → 0…1, flat at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)


def believed(cast: NDArray[np.float64], shared: float) -> float:
    """0…1, how much of a cast counts as one: less when it is not shared by the frame, and when it is cool.

    Lamps are warm or green; what is blue all over is mostly dusk, water or a sky, and shall stay so.
    """
    cool = smooth(float(cast[2] - cast[0]) / COOL)
    return smooth((shared - UNSHARED) / (SHARED - UNSHARED)) * (1 - 0.75 * cool)


def colours(seen: NDArray[np.float64], luma: NDArray[np.float64]) -> list[float]:
    """Mean and mean size of R−Y and B−Y in shadows, middle and light: twelve numbers."""
    found = []
    for low, high in ((-1.0, 0.25), (0.25, 0.5), (0.5, 3.0)):
        share = ((luma > low) & (luma <= high)).astype(np.float64)
        for channel in (0, 2):
            apart = seen[..., channel] - luma
            found += [float((share * apart).mean()), float((share * np.abs(apart)).mean())]
    return found


def layout(luma: NDArray[np.float64]) -> list[float]:
    """Top against bottom, middle against border, and how busy it is: three numbers."""
    height, width = luma.shape
    middle = luma[height // 4 : -(height // 4) or None, width // 4 : -(width // 4) or None].mean()
    busy = [float(np.abs(np.diff(luma, axis=axis)).mean()) if luma.shape[axis] > 1 else 0.0 for axis in (0, 1)]
    top = luma[: max(1, height // 2)].mean() - luma[height // 2 :].mean()
    return [float(top), float(middle - luma.mean()), sum(busy) / 2]


def colour_cast(seen: NDArray[np.float64], luma: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """([2, 3] casts, 0…1 how far all but a seventh of the cells share the first); zeros for grey.

    A lamp of the wrong colour tints everything alike; a sunset, neon or a blue sky tint some things and leave others.
    """
    tells = (luma > GREY_BELOW) & (seen.max(-1) < CLIPPED_ABOVE)
    if tells.sum() < tells.size // 20 + 1:
        return np.zeros((2, 3)), 0.0
    cells = seen[tells] + 0.01
    bright = cells[luma[tells] >= np.quantile(luma[tells], 0.75)]
    casts = np.log(np.stack([cells.mean(0), bright.mean(0)]))
    casts = casts - casts.mean(1, keepdims=True)
    size = float((casts[0] ** 2).sum())
    if size < 1e-8:
        return casts, 0.0
    each = np.log(cells) - np.log(cells).mean(1, keepdims=True)
    return casts, float(np.clip(np.quantile(each @ casts[0] / size, 0.15), 0.0, 1.0))
