"""Small dark scenes made by whole numbers, so that the page's tests make the very same, and what `auto` finds in them.

`python -m tests.model.scenes` writes what the model says of them, which both suites hold against their own code.
"""

import json
from pathlib import Path

import numpy as np

from model.exposure import exposure_look, glance
from model.exposure_head import load_head, wanted_ratio
from photos.raster import Raster

GOLDEN = Path(__file__).parent / "exposure_golden.json"
PRIME = 2_147_483_647
RATIOS = (4.0, 60.0)
"""Named by somebody, beside the one of `auto`."""
SCENES = [
    {"width": 150, "height": 100, "level": [20, 17, 14], "noise": 6, "tile": 3, "lamps": 0, "seed": 1},
    {"width": 101, "height": 203, "level": [5, 5, 7], "noise": 4, "tile": 1, "lamps": 1, "seed": 2},
    {"width": 640, "height": 90, "level": [4, 3, 1], "noise": 5, "tile": 1, "lamps": 1, "seed": 3},
    {"width": 97, "height": 96, "level": [110, 120, 135], "noise": 20, "tile": 25, "lamps": 0, "seed": 4},
    {"width": 60, "height": 45, "level": [40, 12, 6], "noise": 3, "tile": 8, "lamps": 0, "seed": 5},
    {"width": 17, "height": 300, "level": [9, 14, 9], "noise": 9, "tile": 2, "lamps": 0, "seed": 6},
    {"width": 64, "height": 64, "level": [0, 0, 0], "noise": 0, "tile": 0, "lamps": 0, "seed": 7},
    {"width": 200, "height": 150, "level": [30, 30, 30], "noise": 0, "tile": 10, "lamps": 0, "seed": 8},
]


def scene(facts):
    """Codes [height, width, 3]: a slope, tiles, noise, lamps."""
    height, width = facts["height"], facts["width"]
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.int64)
    place = (facts["seed"] * 7919 + y * 104_729 + x * 1_299_721 + c * 15_485_863) % PRIME
    noise = place * 48_271 % PRIME % (2 * facts["noise"] + 1) - facts["noise"]
    slope = np.array(facts["level"])[c] * (8 + 8 * y // height) // 12
    tiles = ((x // 9 + 2 * (y // 7)) % 5 - 1) * facts["tile"] * (c + 2) // 3
    codes = slope + tiles + noise
    lamp = (x // 6 % 9 == 4) & (y // 6 % 8 == 2) & bool(facts["lamps"])
    return np.where(lamp, 255 - 20 * c, codes).clip(0, 255).astype(np.uint8)


def look(codes, raster, ratio):
    found = exposure_look(codes, raster, ratio)
    blend = None if found.blend is None else [[float(value) for value in row] for row in found.blend]
    return {"ratio": ratio, "contrast": found.contrast, "blend": blend, "lift": [float(value) for value in found.lift]}


def judged(facts):
    """What the model says of a scene: the impression's numbers, the ratio of `auto`, looks at it and at others."""
    codes = scene(facts)
    raster = Raster(layout="rgb", width=facts["width"], height=facts["height"], depth=8, curve="srgb", white=255.0)
    seen = glance(codes, raster)
    ratio = wanted_ratio(seen, load_head())
    return {
        "scene": facts,
        "sum": int(codes.astype(np.int64).sum()),
        "numbers": [float(value) for value in seen.numbers],
        "ratio": ratio,
        "looks": [look(codes, raster, each) for each in (ratio, *RATIOS)],
    }


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(judged(facts)) for facts in SCENES)
    GOLDEN.write_text(f"[\n{lines}\n]\n")
