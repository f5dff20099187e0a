"""What training minimises: Charbonnier distance, and shares of lost structure and lost texture, in encoded light."""

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-3
SSIM_SHARE = 0.15
WINDOW, STRIDE = 8, 4
C1, C2 = 0.01**2, 0.03**2
"""Constants of SSIM for values of range 1 (Wang et al., IEEE TIP 2004)."""


def charbonnier(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean of √(difference² + ε²): absolute error, smooth at zero."""
    return ((found - wanted) ** 2 + EPSILON**2).sqrt().mean()


def dissimilarity(found: Tensor, wanted: Tensor) -> Tensor:
    """1 − SSIM over plain 8×8 windows, stride 4: [N, C, H, W] twice → a scalar; cheaper than the one we report."""
    stacked = torch.cat([found, wanted, found * found, wanted * wanted, found * wanted], 1)
    mean_f, mean_w, square_f, square_w, product = functional.avg_pool2d(stacked, WINDOW, STRIDE).chunk(5, 1)
    variance_f, variance_w = square_f - mean_f**2, square_w - mean_w**2
    covariance = product - mean_f * mean_w
    score = ((2 * mean_f * mean_w + C1) * (2 * covariance + C2)) / (
        (mean_f**2 + mean_w**2 + C1) * (variance_f + variance_w + C2)
    )
    return 1 - score.mean()


def missing_texture(found: Tensor, wanted: Tensor) -> Tensor:
    """How far apart the strength of fine luma detail is, window by window: [N, 3, H, W] twice → a scalar.

    Where detail cannot be told from noise, distance and SSIM both pay for smoothing it away; this does not.
    """
    strength_f, strength_w = (
        (functional.avg_pool2d(fine(picture) ** 2, WINDOW, STRIDE) + (2 * EPSILON) ** 2).sqrt()
        for picture in (found, wanted)
    )
    return (strength_f - strength_w).abs().mean()


def fine(picture: Tensor) -> Tensor:
    """Luma of [N, 3, H, W] without what a 3×3 mean keeps: [N, 1, H − 2, W − 2]."""
    luma = picture.mean(1, keepdim=True)
    return luma[..., 1:-1, 1:-1] - functional.avg_pool2d(luma, 3, 1)


def restoration_loss(found: Tensor, wanted: Tensor, texture: float = 0.5) -> Tensor:
    """Loss of restored pictures [N, 3, H, W] against clean ones, both encoded; `texture` is missing texture's share."""
    return (
        charbonnier(found, wanted)
        + SSIM_SHARE * dissimilarity(found, wanted)
        + texture * missing_texture(found, wanted)
    )
