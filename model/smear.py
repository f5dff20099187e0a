"""What a camera's own denoiser does before the file is written: fine texture gone, chroma most of all, edges kept."""

import torch
from torch import Tensor
from torch.nn import functional

from model.synthesis import uniform
from model.tensors import decode, encode

SHARE = 0.3
"""Of the photos, those whose camera smears."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (Rec. 601, as in JPEG)."""


def smeared(dark: Tensor, gain: Tensor, spread: Tensor, random: torch.Generator) -> Tensor:
    """Linear light [N, 3, H, W] after the camera's denoiser, in SHARE of the photos; the others as they were.

    gain: [N, 1, 1, 1]. spread: standard deviation of the noise in gained linear light, [N, 3, H, W]. A self-guided
    filter (He et al., ECCV 2010) on gained, encoded light, with a wider window and more strength on chroma.
    """
    chosen = (uniform(len(dark), 0, 1, random) < SHARE).flatten()
    radius = int(torch.randint(1, 4, (), generator=random))
    count = int(chosen.sum())
    strength, kept = uniform(count, 0.5, 2.5, random), uniform(count, 0, 0.4, random)
    if not count:
        return dark
    noise = spread[chosen].mean((1, 2, 3), keepdim=True) * strength
    given = encode(dark[chosen] * gain[chosen])
    luma = (given * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    calm_luma = self_guided(luma, radius, noise)
    calm = calm_luma + self_guided(given - luma, 2 * radius + 1, 2 * noise)
    out = dark.clone()
    out[chosen] = decode(calm + kept * (luma - calm_luma)) / gain[chosen]
    return out


def self_guided(planes: Tensor, radius: int, noise: Tensor) -> Tensor:
    """Planes [N, C, H, W] smoothed where their variance in a window is little beside that of `noise` [N, 1, 1, 1]."""
    mean = box(planes, radius)
    variance = (box(planes * planes, radius) - mean * mean).clamp(min=0)
    share = variance / (variance + noise**2 + 1e-8)
    return box(share, radius) * planes + box((1 - share) * mean, radius)


def box(planes: Tensor, radius: int) -> Tensor:
    """Means over windows of 2·radius + 1 pixels, narrower at the borders."""
    side = 2 * radius + 1
    rows = functional.avg_pool2d(planes, (side, 1), 1, (radius, 0), count_include_pad=False)
    return functional.avg_pool2d(rows, (1, side), 1, (0, radius), count_include_pad=False)
