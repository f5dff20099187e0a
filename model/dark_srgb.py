"""A camera that writes sRGB: sensor noise, black taken off, its own denoiser sometimes, eight bits, sometimes JPEG."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from model.network import pack
from model.smear import smeared
from model.synthesis import Pairs, conditions, exposures, uniform
from model.tensors import decode, encode

CODE = 1 / (255 * 12.92)
"""Linear light of the first of 255 codes: sRGB begins with a straight line of slope 12.92 (IEC 61966-2-1)."""


def dark_srgb(picture: Tensor, random: torch.Generator) -> Pairs:
    """Clean sRGB crops [N, 3, H, W] → pairs as a camera's own JPEG or a PNG would give them."""
    count = len(picture)
    gain, brightness = exposures(count, random, peaked=True)
    bright = torch.minimum(decode(picture) * brightness, gain)
    spread = srgb_spread(bright, gain, random)
    noise = spread * (grain(picture.shape, random) + blotches(picture.shape, random))
    dark = (bright + noise) / gain - black(count, random)
    dark = torch.where(uniform(count, 0, 1, random) < 0.5, dark.clamp(min=0), dark)
    dark = smeared(dark, gain, spread, random)
    code = (255 * encode(dark)).clamp(0, 255)
    sixteen_bits = uniform(count, 0, 1, random) < 0.1
    code = torch.where(sixteen_bits, (code * 257).round() / 257, code.round())
    for index in range(count):
        if float(torch.rand((), generator=random)) < 0.4 and not bool(sixteen_bits[index]):
            code[index] = jpeg(code[index], random)
    planes = pack(encode(gain * decode(code / 255)))
    return Pairs(layout="rgb", planes=planes, conditions=conditions(planes, gain, random), target=encode(bright))


def srgb_spread(bright: Tensor, gain: Tensor, random: torch.Generator) -> Tensor:
    """Standard deviation of the noise in gained linear light [N, 3, H, W].

    Drawn by what it is after gain and encoding at a middle grey of 0.2: log-normal around 0.03, as measured in LOL
    (0.016, 0.027, 0.060 at the 10th, 50th and 90th percentile) and wider. Most of it shot noise; red and blue, which
    a camera amplifies, have a third more; photos that are hardly dark have little.
    """
    count = len(bright)
    middle, slope = 0.2, 1.12
    spread = (0.9 * torch.randn(count, 1, 1, 1, generator=random) - 3.5).exp().clamp(max=0.2)
    spread = torch.where(gain < 1.5, spread * uniform(count, 0, 0.4, random), spread)
    shot = 1 - uniform(count, 0, 1, random) ** 2
    colours = torch.tensor([0.3, 0.0, 0.25]).view(1, 3, 1, 1) + 0.25 * torch.randn(count, 3, 1, 1, generator=random)
    return spread / slope * (shot * bright / middle + (1 - shot)).sqrt() * colours.exp()


def grain(shape: torch.Size, random: torch.Generator) -> Tensor:
    """Noise of variance 1, [N, 3, H, W]: white, partly shared by the colours, in four of ten photos partly coarse."""
    count, _, height, width = shape
    common = uniform(count, 0, 0.7, random)
    white = (1 - common).sqrt() * torch.randn(shape, generator=random)
    white = white + common.sqrt() * torch.randn(count, 1, height, width, generator=random)
    side = int(torch.randint(height * 2 // 5, height, (), generator=random))
    coarse = enlarged(torch.randn(count, 3, side, side, generator=random), height, width)
    mix = uniform(count, 0, 1, random) * (uniform(count, 0, 1, random) < 0.4)
    return (1 - mix**2).sqrt() * white + mix * coarse


def blotches(shape: torch.Size, random: torch.Generator) -> Tensor:
    """Patches of colour 4…16 pixels wide without luma, [N, 3, H, W]: what denoisers leave; in three of ten photos."""
    count, _, height, width = shape
    side = int(torch.randint(max(2, height // 16), max(3, height // 4), (), generator=random))
    small = torch.randn(count, 3, side, side, generator=random)
    wide = enlarged(small - small.mean(1, keepdim=True), height, width)
    return wide * uniform(count, 0, 0.6, random) * (uniform(count, 0, 1, random) < 0.3)


def enlarged(small: Tensor, height: int, width: int) -> Tensor:
    """Noise [N, C, h, w] drawn coarser, [N, C, height, width], of variance 1 per photo."""
    wide = functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    return wide / wide.std((1, 2, 3), keepdim=True)


def black(count: int, random: torch.Generator) -> Tensor:
    """Linear light [N, 3, 1, 1] that a camera takes off too much: what makes crushed shadows, and their cast.

    Four of ten photos lose up to about two codes; one in ten keeps a haze of up to one; each colour in its own
    measure, red and blue more, since white balance comes after. A fifth rounds down, which is half a code.
    """
    kind = uniform(count, 0, 1, random)
    taken = 0.8 * torch.randn(count, 1, 1, 1, generator=random).abs()
    codes = torch.where(kind < 0.4, taken, torch.where(kind < 0.5, uniform(count, -1, 0, random), 0 * kind))
    colours = torch.tensor([0.25, 0.0, 0.25]).view(1, 3, 1, 1) + 0.35 * torch.randn(count, 3, 1, 1, generator=random)
    down = 0.5 * (uniform(count, 0, 1, random) < 0.2)
    return (codes * colours.exp() + down) * CODE


def jpeg(code: Tensor, random: torch.Generator) -> Tensor:
    """Codes [3, H, W] 0…255 as they come back from a JPEG of random quality, its chroma whole, halved or quartered.

    Its blocks begin anywhere, as they do in a photo that was cropped.
    """
    quality = 98 - int(38 * float(torch.rand((), generator=random)) ** 1.5)
    subsampling = int(torch.tensor([0, 1, 2, 2])[torch.randint(4, (), generator=random)])
    down, right = (int(torch.randint(8, (), generator=random)) for _ in range(2))
    codes = np.pad(code.permute(1, 2, 0).to(torch.uint8).numpy(), ((down, 0), (right, 0), (0, 0)), mode="edge")
    memory = BytesIO()
    Image.fromarray(codes).save(memory, "jpeg", quality=quality, subsampling=subsampling)
    memory.seek(0)
    return torch.from_numpy(np.array(Image.open(memory))[down:, right:].copy()).permute(2, 0, 1).float()
