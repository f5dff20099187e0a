"""A camera that writes raw files: sensor noise by a physical model, white balance, clipping; a mosaic comes out.

Noise follows ELD (Wei et al., CVPR 2020): shot noise by the system gain K, Tukey-lambda read noise, row noise, colour
bias, quantisation. The priors are those of four cameras calibrated there (A7S II, 5D4, 70D, 700D: K 0.09…29, lambda
−0.17…0.20, log read scale 0.57…1.54 + 0.46…0.66 log K ± 0.4, log row scale −0.94…−0.59 + 0.47…0.73 log K ± 0.3, colour
bias −2.9…6.1 counts), made wider by half their own spread on either side, and by all of it downwards for read noise,
since sensors get quieter. The fifth, the D850, is kept out: it is there to test on.
"""

import torch
from torch import Tensor

from model.network_range import INPUT_LOW
from model.synthesis import Pairs, conditions, exposures, uniform
from model.tensors import decode, encode

SENSOR_RANGE = 15_871.0
"""Counts between black and white of a 14-bit camera with black level 512, the scale of ELD's calibrations."""


def dark_mosaic(picture: Tensor, random: torch.Generator) -> Pairs:
    """Clean sRGB crops [N, 3, H, W] → pairs as raw files give them; targets are in white-balanced camera colours."""
    count = len(picture)
    gain, brightness = exposures(count, random, peaked=False)
    to_camera, balance = cameras(count, random)
    bright = torch.einsum("nij,njhw->nihw", to_camera, decode(picture) * brightness).clamp(min=0)
    bright = torch.minimum(bright, gain)
    noisiest = (2400 / gain).clamp(6.0, 30.0)
    system_gain = 0.08 * (noisiest / 0.08) ** uniform(count, 0, 1, random)
    counts = sensor(mosaic_planes(bright / balance) / gain * SENSOR_RANGE, system_gain, random)
    counts = counts.clamp(-512.0, SENSOR_RANGE)
    lit = counts / SENSOR_RANGE * torch.stack([balance[:, 0], balance[:, 1], balance[:, 1], balance[:, 2]], 1)
    planes = encode(gain * lit.clamp(max=1)).clamp(min=INPUT_LOW)
    return Pairs(layout="mosaic", planes=planes, conditions=conditions(planes, gain, random), target=encode(bright))


def cameras(count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Linear sRGB → white-balanced camera colours [count, 3, 3], rows sum to 1; balance [count, 3, 1, 1], green 1."""
    spread = torch.rand(count, 3, 2, generator=random)
    red = torch.stack([0.5 + 0.35 * spread[:, 0, 0], 0.04 + 0.10 * spread[:, 0, 1]], 1)
    green = torch.stack([0.04 + 0.16 * spread[:, 1, 0], 0.04 + 0.20 * spread[:, 1, 1]], 1)
    blue = torch.stack([0.08 * spread[:, 2, 0] - 0.02, 0.05 + 0.30 * spread[:, 2, 1]], 1)
    rows = [
        torch.stack([red[:, 0], 1 - red[:, 0] - red[:, 1], red[:, 1]], 1),
        torch.stack([green[:, 0], 1 - green[:, 0] - green[:, 1], green[:, 1]], 1),
        torch.stack([blue[:, 0], blue[:, 1], 1 - blue[:, 0] - blue[:, 1]], 1),
    ]
    balance = torch.ones(count, 3, 1, 1)
    balance[:, 0] = 1.1 + 1.7 * torch.rand(count, 1, 1, generator=random)
    balance[:, 2] = 1.1 + 1.9 * torch.rand(count, 1, 1, generator=random)
    return torch.stack(rows, 1), balance


def mosaic_planes(picture: Tensor) -> Tensor:
    """[N, 3, H, W] → what an RGGB sensor sees of it, [N, 4, H/2, W/2]."""
    return torch.stack(
        [picture[:, 0, ::2, ::2], picture[:, 1, ::2, 1::2], picture[:, 1, 1::2, ::2], picture[:, 2, 1::2, 1::2]], 1
    )


def sensor(counts: Tensor, system_gain: Tensor, random: torch.Generator) -> Tensor:
    """Clean counts above black [N, 4, h, w] → noisy ones by ELD's model, `system_gain` in counts per electron.

    Not clipped at black: raw files keep what lies under it.
    """
    count, _, rows, _ = counts.shape
    shot = torch.poisson((counts / system_gain).clamp(min=0), generator=random) * system_gain
    log_gain = system_gain.log()
    read_scale = (uniform(count, -0.4, 2.0, random) + uniform(count, 0.36, 0.76, random) * log_gain).exp()
    shape = uniform(count, -0.36, 0.38, random)
    shape = torch.where(shape.abs() < 0.01, torch.full_like(shape, 0.01), shape)
    even = torch.rand(counts.shape, generator=random).clamp(1e-5, 1 - 1e-5)
    read = read_scale * (even**shape - (1 - even) ** shape) / shape
    row_scale = (uniform(count, -1.1, -0.4, random) + uniform(count, 0.34, 0.86, random) * log_gain).exp()
    row_scale = row_scale * uniform(count, 0, 1.4, random)
    row = row_scale * torch.randn(count, 2, rows, 1, generator=random)
    row = torch.cat([row[:, :1], row[:, :1], row[:, 1:], row[:, 1:]], 1)
    bias = 1.5 * torch.randn(count, 4, 1, 1, generator=random) * uniform(count, 0, 1, random)
    quantum = 2.0 ** torch.randint(0, 3, (count, 1, 1, 1), generator=random)
    return ((shot + read + row + bias) / quantum).round() * quantum
