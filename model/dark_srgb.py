"""A camera that writes sRGB: noise drawn by what it is after gain, black clip, eight bits, sometimes JPEG."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from model.network import pack
from model.synthesis import Pairs, conditions, exposures, uniform
from model.tensors import decode, encode


def dark_srgb(picture: Tensor, random: torch.Generator) -> Pairs:
    """Clean sRGB crops [N, 3, H, W] → pairs as a camera's own JPEG or a PNG would give them."""
    count = len(picture)
    gain, brightness = exposures(count, random, peaked=True)
    bright = torch.minimum(decode(picture) * brightness, gain)
    dark = (bright + srgb_spread(bright, gain, random) * grain(picture.shape, random)) / gain
    code = (255 * encode(dark)).clamp(0, 255)
    sixteen_bits = uniform(count, 0, 1, random) < 0.1
    code = torch.where(sixteen_bits, (code * 257).round() / 257, code.round())
    for index in range(count):
        if float(torch.rand((), generator=random)) < 0.3 and not bool(sixteen_bits[index]):
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
    small = torch.randn(count, 3, side, side, generator=random)
    coarse = functional.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    coarse = coarse / coarse.std((1, 2, 3), keepdim=True)
    mix = uniform(count, 0, 1, random) * (uniform(count, 0, 1, random) < 0.4)
    return (1 - mix**2).sqrt() * white + mix * coarse


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
