"""The tone pipeline on tensors, so that the exposure head is trained through it; twin of `tone` and `exposure_head`."""

import torch
from torch import Tensor

from model.exposure_head import CONTRAST, FULL_STOPS, LARGEST_GAIN, LIFT, REPAIR, SATURATION
from model.light import LUMA
from model.tensors import encode
from model.tone import KNEE, PIVOT, TOE

SHARES = torch.tensor(LUMA, dtype=torch.float32)


def smooth(share: Tensor) -> Tensor:
    """`impression.smooth` on tensors."""
    share = share.clamp(0, 1)
    return share * share * (3 - 2 * share)


def look(answer: Tensor, stops: Tensor, casts: Tensor, lost: Tensor) -> Tensor:
    """The look layers' answers [N, 7], stops [N], casts [N, 2, 3], lost [N] → [N, 8].

    Log of contrast, log of saturation, log of three gains, lift of three colours in linear light.
    """
    bounded = torch.tanh(answer) * smooth(stops / FULL_STOPS)[:, None]
    gains = -REPAIR * torch.einsum("nk,nkc->nc", bounded[:, 2:4], casts)
    lift = LIFT * lost[:, None] * bounded[:, 4:]
    return torch.cat([CONTRAST * bounded[:, :1], SATURATION * bounded[:, 1:2], gains, lift], 1)


def contrasted(encoded: Tensor, contrast: Tensor) -> Tensor:
    """`tone.contrasted` on tensors."""
    bottom = TOE**contrast
    scale = PIVOT / ((PIVOT + TOE) ** contrast - bottom)
    inside = (encoded.clamp(max=1) + TOE) ** contrast - bottom
    slope = contrast * (1 + TOE) ** (contrast - 1)
    return scale * (inside + slope * (encoded - 1).clamp(min=0))


def rendered(light: Tensor, stops: Tensor, looks: Tensor) -> Tensor:
    """Linear light [N, P, 3], stops [N] and `look`s [N, 8] → the encoded result [N, P, 3]."""
    ratio = (2**stops)[:, None, None]
    contrast, saturation = looks[:, :2].exp()[..., None, None].unbind(1)
    gained = torch.exp(LARGEST_GAIN * torch.tanh(looks[:, 2:5] / LARGEST_GAIN))
    picture = encode(ratio * (light + looks[:, None, 5:])) * (gained / (gained @ SHARES)[:, None])[:, None]
    luma = (picture @ SHARES)[..., None]
    top = encode(ratio.clamp(min=1))
    bright = contrasted(torch.minimum((luma + saturation * (picture - luma)).clamp(min=0), top), contrast)
    excess = (bright - KNEE).clamp(min=0) / (1 - KNEE)
    limit = (contrasted(top, contrast) - KNEE) / (1 - KNEE)
    return torch.where(bright <= KNEE, bright, KNEE + (1 - KNEE) * excess * (1 + excess / limit**2) / (1 + excess))


def matching_stops(light: Tensor, wanted: Tensor, most: float) -> Tensor:
    """Stops 0…most [N] at which light, only gained and toned, has the mean of `wanted`; by bisection."""
    low, high = torch.zeros(len(light)), torch.full((len(light),), most)
    mean, plain = wanted.mean((1, 2)), torch.zeros(len(light), 8)
    for _ in range(16):
        middle = (low + high) / 2
        dark = rendered(light, middle, plain).mean((1, 2)) < mean
        low, high = torch.where(dark, middle, low), torch.where(dark, high, middle)
    return (low + high) / 2
