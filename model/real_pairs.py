"""Real pairs of dark and bright photos of one scene, laid out as LOL (`low/`, `high/`) or SID (`short/`, `long/`).

    low/12.png          ↔ high/12.png              the same name, developed photos
    short/00012_03.ARW  ↔ long/00012_00.ARW        the same number before the first "_", raw files

The bright one is brought to the dark one's gain and white balance before it becomes the target: its channels' means are
scaled to the gained means of the dark photo, so that a pair teaches restoration and not the tone of one camera.
"""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rawpy
import torch
from numpy.typing import NDArray
from PIL import Image

from model.cfa import RED_AT
from model.light import decode
from model.network import pack
from model.network_range import INPUT_LOW
from model.synthesis import Pairs, conditions
from model.tensors import encode

DEVELOPED = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
KEPT = 48
"""Pairs held in memory at once."""


class NoPairs(Exception):
    """The folder holds no pairs in a layout we know; the message names both layouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A scene twice, in linear light of one white balance.

    dark: [H, W, 3], or [H, W] beginning on red. bright: [H, W, 3], already at `gain` times the dark one's exposure.
    """

    layout: Literal["rgb", "mosaic"]
    dark: NDArray[np.float32]
    bright: NDArray[np.float32]
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPairs:
    """The pairs of a folder, read when they are needed."""

    paths: tuple[tuple[Path, Path], ...] = field(repr=False)

    def draw(self, count: int, side: int, random: torch.Generator) -> Pairs:
        """`count` random crops of one random pair; a photo smaller than `side` gives smaller crops."""
        pair = read_pair(*self.paths[int(torch.randint(len(self.paths), (), generator=random))])
        height, width = (min(side, length) // 16 * 16 for length in pair.bright.shape[:2])
        dark, bright = [], []
        for _ in range(count):
            top, left = (
                int(torch.randint((length - used) // 2 + 1, (), generator=random)) * 2
                for length, used in zip(pair.bright.shape[:2], (height, width), strict=True)
            )
            cut = np.s_[top : top + height, left : left + width]
            dark.append(torch.tensor(pair.dark[cut]))
            bright.append(torch.tensor(pair.bright[cut]).permute(2, 0, 1))
        gain = torch.full((count, 1, 1, 1), pair.gain)
        seen = torch.stack(dark).permute(0, 3, 1, 2) if pair.layout == "rgb" else torch.stack(dark)[:, None]
        planes = pack(encode(pair.gain * seen)).clamp(min=INPUT_LOW)
        return Pairs(
            layout=pair.layout,
            planes=planes,
            conditions=conditions(planes, gain, random),
            target=encode(torch.stack(bright)),
        )


def find_pairs(folder: Path) -> RealPairs:
    """The pairs of a folder in either layout; raises NoPairs."""
    paths = [(dark, folder / "high" / dark.name) for dark in sorted((folder / "low").glob("*"))]
    long = {path.name.split("_")[0]: path for path in sorted((folder / "long").glob("*"), reverse=True)}
    paths += [
        (dark, long[dark.name.split("_")[0]])
        for dark in sorted((folder / "short").glob("*"))
        if dark.name.split("_")[0] in long
    ]
    found = tuple((dark, bright) for dark, bright in paths if bright.exists())
    if not found:
        raise NoPairs(f"{folder} holds no pairs: expected low/ and high/ with equal names, or short/ and long/.")
    return RealPairs(paths=found)


@lru_cache(maxsize=KEPT)
def read_pair(dark_path: Path, bright_path: Path) -> Pair:
    """Read two files of one scene; both developed, or both raw. Raises ValueError when their sizes differ."""
    if dark_path.suffix.lower() in DEVELOPED:
        return matched("rgb", developed(dark_path), developed(bright_path))
    with rawpy.imread(str(dark_path)) as raw:
        balance = tuple(raw.camera_whitebalance)
        dark = mosaic(raw)
        down, right = red_row_column(raw)
    with rawpy.imread(str(bright_path)) as raw:
        bright = raw.postprocess(
            output_color=rawpy.ColorSpace.raw,
            gamma=(1, 1),
            no_auto_bright=True,
            output_bps=16,
            user_wb=list(balance),
            user_flip=0,
        )
    return matched("mosaic", dark, (bright[down:, right:] / 65535).astype(np.float32))


def developed(path: Path) -> NDArray[np.float32]:
    """A developed photo in linear light, [H, W, 3]."""
    with Image.open(path) as image:
        return decode(np.asarray(image.convert("RGB")) / 255).astype(np.float32)


def red_row_column(raw: Any) -> tuple[int, int]:
    """(row, column) of the first red pixel of a Bayer file; raises ValueError for another pattern."""
    cfa = "".join("RGBG"[index] for index in raw.raw_pattern.ravel()) if raw.raw_pattern is not None else ""
    if cfa not in RED_AT:
        raise ValueError("Training pairs must come from a Bayer sensor.")
    return RED_AT[cfa]


def mosaic(raw: Any) -> NDArray[np.float32]:
    """Linear light of a raw file, white-balanced with green 1, cut so that it begins on red: [H, W]."""
    down, right = red_row_column(raw)
    colours = raw.raw_colors_visible[down:, right:]
    black = np.array(raw.black_level_per_channel, np.float32)
    balance = np.array(raw.camera_whitebalance, np.float32)
    balance[3] = balance[3] or balance[1]
    counts = raw.raw_image_visible[down:, right:].astype(np.float32)
    lit = (counts - black[colours]) / (raw.white_level - black[colours]) * (balance / balance[1])[colours]
    return np.asarray(np.minimum(lit, 1.0), np.float32)


def matched(layout: Literal["rgb", "mosaic"], dark: NDArray[np.float32], bright: NDArray[np.float32]) -> Pair:
    """The pair with its bright half at the dark half's gain and white balance; the gain is held within 1…300."""
    height, width = (min(a, b) // 2 * 2 for a, b in zip(dark.shape[:2], bright.shape[:2], strict=True))
    if max(abs(dark.shape[0] - bright.shape[0]), abs(dark.shape[1] - bright.shape[1])) > 2:
        raise ValueError(f"The halves of a pair differ in size: {dark.shape[:2]} and {bright.shape[:2]}.")
    dark, bright = dark[:height, :width], bright[:height, :width]
    if layout == "rgb":
        means = dark.mean((0, 1))
    else:
        greens = (dark[::2, 1::2].mean() + dark[1::2, ::2].mean()) / 2
        means = np.array([dark[::2, ::2].mean(), greens, dark[1::2, 1::2].mean()])
    means = np.maximum(means, 1e-6)
    gain = float(np.clip(bright.mean() / means.mean(), 1, 300))
    return Pair(
        layout=layout, dark=dark, bright=bright * (gain * means / bright.mean((0, 1))).astype(np.float32), gain=gain
    )
