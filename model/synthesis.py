"""Synthetic pairs: what a camera would have made of a well-exposed photo, had it been taken in the dark.

    photo ─▶ linear ─▶ ÷ gain ─▶ camera (noise, black, denoiser, 8 bits, JPEG) ─▶ codes ─ encode(gain · …) ─▶ input
                └──────▶ the same light, the same gain and white balance, no noise ────────────────────────▶ target

The target is the clean picture *at the input's own gain and white balance*: the network restores, it never guesses a
tone. `dark_srgb` and `dark_mosaic` are the two cameras.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.sigma import TRIM, TRIMMED_MEAN_OF_NORMAL

Photo = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """A batch: `planes` [N, 12 or 4, h, w] and `target` [N, 3, 2h, 2w], both encoded; `conditions` [N, 2]."""

    layout: Literal["rgb", "mosaic"]
    planes: Tensor
    conditions: Tensor
    target: Tensor


def uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    """[count, 1, 1, 1] values in low…high, to be broadcast over a batch."""
    return torch.rand(count, 1, 1, 1, generator=random) * (high - low) + low


def log_uniform(count: int, low: float, high: float, random: torch.Generator) -> Tensor:
    """As `uniform`, evenly spread over the logarithm."""
    return uniform(count, float(np.log(low)), float(np.log(high)), random).exp()


def crops(photos: list[Photo], count: int, side: int, random: torch.Generator) -> Tensor:
    """Random crops of random photos → [count, 3, side, side] encoded, 0…1; flipped, turned, some shrunk or enlarged."""
    batch = torch.empty(count, 3, side, side)
    for index in range(count):
        photo = photos[int(torch.randint(len(photos), (), generator=random))]
        scale = (1.0, 1.0, 0.67, 1.6)[int(torch.randint(4, (), generator=random))]
        edge = min(round(side * scale), *photo.shape[:2])
        top = int(torch.randint(photo.shape[0] - edge + 1, (), generator=random))
        left = int(torch.randint(photo.shape[1] - edge + 1, (), generator=random))
        crop = torch.tensor(photo[top : top + edge, left : left + edge]).permute(2, 0, 1)[None].float() / 255
        if edge != side:
            crop = functional.interpolate(
                crop, (side, side), mode="bilinear", antialias=edge > side, align_corners=False
            )
        turn = int(torch.randint(8, (), generator=random))
        batch[index] = torch.rot90(crop[0].flip(-1) if turn & 4 else crop[0], turn & 3, (-2, -1))
    return batch


def exposures(count: int, random: torch.Generator, *, peaked: bool) -> tuple[Tensor, Tensor]:
    """(gain 1…300, brightness of the wanted picture), each [count, 1, 1, 1]; one in eight photos is hardly dark at all.

    Half the gains are even over the logarithm, or `peaked` around 17: eight bits hold hardly anything at 300. The other
    half are those that hurt: 30…300, or 20…200.
    """
    gain = log_uniform(count, 1.0, 300.0, random)
    gain = (gain * log_uniform(count, 1.0, 300.0, random)).sqrt() if peaked else gain
    hard = log_uniform(count, 20.0, 200.0, random) if peaked else log_uniform(count, 30.0, 300.0, random)
    gain = torch.where(uniform(count, 0, 1, random) < 0.5, hard, gain)
    gain = torch.where(uniform(count, 0, 1, random) < 1 / 8, log_uniform(count, 1.0, 1.5, random), gain)
    return gain, log_uniform(count, 0.35, 1.6, random)


def conditions(planes: Tensor, gain: Tensor, random: torch.Generator) -> Tensor:
    """What the network is told: [N, 2] of log2(gain)/8 and 4·sigma, jittered as a photo's differs from a crop's."""
    diagonal = planes.flatten(1).reshape(len(planes), -1, planes.shape[2] // 2, 2, planes.shape[3] // 2, 2)
    detail = (diagonal[..., 0, :, 0] - diagonal[..., 0, :, 1] - diagonal[..., 1, :, 0] + diagonal[..., 1, :, 1]) / 2
    size = detail.flatten(1)[:, ::3].abs().sort(1).values
    kept = size[:, : int(TRIM * size.shape[1])].mean(1, keepdim=True) / TRIMMED_MEAN_OF_NORMAL
    jitter = (0.25 * torch.randn(len(planes), 1, generator=random)).exp()
    return torch.cat([gain.flatten(1).log2() / 8, (4 * kept * jitter).clamp(max=2)], 1)
