"""Synthetic pairs: what a camera would have made of a well-exposed photo, had it been taken in the dark.

    photo ─▶ linear ─▶ ÷ gain ─▶ camera (noise, black, white, quantisation, JPEG) ─▶ codes ─ encode(gain · …) ─▶ input
                └──────▶ the same light, the same gain and white balance, no noise ─────────────────────────────▶ target

The target is the clean picture *at the input's own gain and white balance*: the network restores, it never guesses a
tone. Sensor noise follows ELD (Wei et al., CVPR 2020): shot noise by the system gain K, Tukey-lambda read noise, row
noise, colour bias, quantisation. Priors cover the five cameras calibrated there (A7S II, D850, 5D4, 70D, 700D; K
0.09…29, lambda −0.24…0.20, log read scale 0.57…1.54 + 0.46…0.66 log K) and are widened around them. sRGB noise is
drawn by its spread *after* gain.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from model.network_range import INPUT_LOW
from model.sigma import TRIM, TRIMMED_MEAN_OF_NORMAL
from model.tensors import decode, encode

Photo = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]

SENSOR_RANGE = 15_871.0
"""Counts between black and white of a 14-bit camera with black level 512, the scale of ELD's calibrations."""


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

    Gains are even over the logarithm, or `peaked` around 17: eight bits hold hardly anything at 300.
    """
    gain = log_uniform(count, 1.0, 300.0, random)
    gain = (gain * log_uniform(count, 1.0, 300.0, random)).sqrt() if peaked else gain
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


def dark_srgb(picture: Tensor, random: torch.Generator) -> Pairs:
    """Clean sRGB crops [N, 3, H, W] → pairs as a camera's own JPEG or a PNG would give them."""
    count = len(picture)
    gain, brightness = exposures(count, random, peaked=True)
    bright = decode(picture) * brightness
    bright = torch.minimum(bright, gain)
    spread = (0.9 * torch.randn(count, 1, 1, 1, generator=random) - 3.5).exp().clamp(max=0.2)
    spread = torch.where(gain < 1.5, spread * uniform(count, 0, 0.4, random), spread)
    share = 1 - uniform(count, 0, 1, random) ** 2
    middle = 0.2
    variance = (spread / 1.12) ** 2 * (share * bright / middle + (1 - share))
    channels = (
        0.25 * torch.randn(count, 3, 1, 1, generator=random) + torch.tensor([0.3, 0.0, 0.25]).view(1, 3, 1, 1)
    ).exp()
    common = uniform(count, 0, 0.7, random)
    noise = (1 - common).sqrt() * torch.randn(picture.shape, generator=random) + common.sqrt() * torch.randn(
        count, 1, *picture.shape[2:], generator=random
    )
    coarse_side = int(torch.randint(picture.shape[2] * 2 // 5, picture.shape[2], (), generator=random))
    coarse = functional.interpolate(
        torch.randn(count, 3, coarse_side, coarse_side, generator=random),
        picture.shape[2:],
        mode="bilinear",
        align_corners=False,
    )
    coarse = coarse / coarse.std((1, 2, 3), keepdim=True)
    mix = uniform(count, 0, 1, random) * (uniform(count, 0, 1, random) < 0.4)
    noise = (1 - mix**2).sqrt() * noise + mix * coarse
    dark = (bright + noise * channels * variance.sqrt()) / gain
    code = (255 * encode(dark)).clamp(0, 255)
    fine = uniform(count, 0, 1, random) < 0.1
    code = torch.where(fine, (code * 257).round() / 257, code.round())
    for index in range(count):
        if float(torch.rand((), generator=random)) < 0.3 and not bool(fine[index]):
            code[index] = jpeg(code[index], random)
    seen = encode(gain * decode(code / 255))
    planes = functional.pixel_unshuffle(seen, 2)
    return Pairs(layout="rgb", planes=planes, conditions=conditions(planes, gain, random), target=encode(bright))


def jpeg(code: Tensor, random: torch.Generator) -> Tensor:
    """Codes [3, H, W] 0…255 as they come back from a JPEG of random quality, chroma subsampled or not."""
    quality = int(torch.randint(70, 99, (), generator=random))
    subsampling = int(torch.randint(0, 2, (), generator=random)) * 2
    memory = BytesIO()
    Image.fromarray(code.permute(1, 2, 0).to(torch.uint8).numpy()).save(
        memory, "jpeg", quality=quality, subsampling=subsampling
    )
    memory.seek(0)
    return torch.from_numpy(np.array(Image.open(memory))).permute(2, 0, 1).float()


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
    read_scale = (uniform(count, 0.2, 1.8, random) + uniform(count, 0.44, 0.70, random) * system_gain.log()).exp()
    shape = uniform(count, -0.26, 0.22, random)
    shape = torch.where(shape.abs() < 0.01, torch.full_like(shape, 0.01), shape)
    even = torch.rand(counts.shape, generator=random).clamp(1e-5, 1 - 1e-5)
    read = read_scale * (even**shape - (1 - even) ** shape) / shape
    row_scale = (uniform(count, -2.2, -0.4, random) + uniform(count, 0.44, 0.75, random) * system_gain.log()).exp()
    row = row_scale * torch.randn(count, 2, rows, 1, generator=random)
    row = torch.cat([row[:, :1], row[:, :1], row[:, 1:], row[:, 1:]], 1)
    bias = 0.8 * torch.randn(count, 4, 1, 1, generator=random) * uniform(count, 0, 1, random)
    quantum = 2.0 ** torch.randint(0, 3, (count, 1, 1, 1), generator=random)
    return ((shot + read + row + bias) / quantum).round() * quantum


def dark_mosaic(picture: Tensor, random: torch.Generator) -> Pairs:
    """Clean sRGB crops [N, 3, H, W] → pairs as raw files give them; targets are in white-balanced camera colours."""
    count = len(picture)
    gain, brightness = exposures(count, random, peaked=False)
    to_camera, balance = cameras(count, random)
    bright = torch.einsum("nij,njhw->nihw", to_camera, decode(picture) * brightness).clamp(min=0)
    bright = torch.minimum(bright, gain)
    noisiest = (720 / gain).clamp(2.4, 24.0)
    system_gain = 0.08 * (noisiest / 0.08) ** uniform(count, 0, 1, random)
    counts = sensor(mosaic_planes(bright / balance) / gain * SENSOR_RANGE, system_gain, random)
    counts = counts.clamp(-512.0, SENSOR_RANGE)
    lit = counts / SENSOR_RANGE * torch.stack([balance[:, 0], balance[:, 1], balance[:, 1], balance[:, 2]], 1)
    planes = encode(gain * lit.clamp(max=1)).clamp(min=INPUT_LOW)
    return Pairs(layout="mosaic", planes=planes, conditions=conditions(planes, gain, random), target=encode(bright))
