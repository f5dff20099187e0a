"""How close a picture is to a reference: PSNR and SSIM, plain and after matching the mean brightness (GT-mean)."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
TAPS, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants of SSIM for codes 0…255 (Wang et al., IEEE TIP 2004)."""


def psnr(found: Picture, wanted: Picture) -> float:
    """Peak signal-to-noise ratio of codes, in dB."""
    error = float(np.mean((found.astype(np.float64) - wanted.astype(np.float64)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def ssim(found: Picture, wanted: Picture) -> float:
    """Structural similarity, mean over three channels: Gaussian window of 11 taps, σ 1.5, borders left out."""
    a, b = found.astype(np.float64), wanted.astype(np.float64)
    mean_a, mean_b = blurred(a), blurred(b)
    variance_a, variance_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    score = ((2 * mean_a * mean_b + C1) * (2 * covariance + C2)) / (
        (mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2)
    )
    border = TAPS // 2
    return float(score[border:-border, border:-border].mean())


def blurred(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """The window's local mean."""
    return np.asarray(cv2.GaussianBlur(picture, (TAPS, TAPS), SIGMA))


def mean_matched(found: Picture, wanted: Picture) -> Picture:
    """GT-mean: codes scaled so that their mean grey equals the reference's, clipped and rounded."""
    weights = np.array([0.299, 0.587, 0.114])
    scale = (wanted @ weights).mean() / max((found @ weights).mean(), 1e-9)
    return np.asarray((found * scale).round().clip(0, 255), np.uint8)


def scores(found: Picture, wanted: Picture) -> NDArray[np.float64]:
    """[4]: plain PSNR and SSIM, then GT-mean PSNR and SSIM."""
    matched = mean_matched(found, wanted)
    return np.array([psnr(found, wanted), ssim(found, wanted), psnr(matched, wanted), ssim(matched, wanted)])


def interval(values: NDArray[np.float64], random: np.random.Generator) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, 2,000 draws."""
    draws = random.choice(values, (2000, len(values))).mean(1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)
