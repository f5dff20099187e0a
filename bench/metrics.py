"""How close a picture is to a reference: light, structure, colour and fine detail, each with what it leaves out."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

from model.sigma import noise_sigma

Picture = NDArray[np.uint8]
TAPS, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""Constants of SSIM for codes 0…255 (Wang et al., IEEE TIP 2004)."""
LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Rec. 709 weights of codes."""
FINE = 0.25
"""Cycles per pixel from which detail counts as fine: half of what a picture can hold."""
SHADOWS = 3.0, 30.0
"""L* of the reference's shadows; what is darker has no colour to speak of."""
FEWEST_SHADOWS = 0.005
"""The share of pixels that must lie in shadow for their colour to be judged."""


def psnr(found: NDArray[np.generic], wanted: NDArray[np.generic]) -> float:
    """Peak signal-to-noise ratio in dB, of codes or of light on their scale, 0…255."""
    error = float(np.mean((found.astype(np.float64) - wanted.astype(np.float64)) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def ssim(found: NDArray[np.generic], wanted: NDArray[np.generic]) -> float:
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


def colour_error(found: Picture, wanted: Picture) -> float:
    """Median over the pixels of ΔE2000; about 1 can just be seen side by side."""
    return float(np.median(deltaE_ciede2000(rgb2lab(wanted), rgb2lab(found))))


def shadow_cast(found: Picture, wanted: Picture) -> float:
    """How far the mean a* and b* of the reference's shadows have moved, in ΔE (CIE 1976); NaN with too few shadows.

    The mean over all of them: blotches that cancel out are no cast, a green veil is.
    """
    lab = rgb2lab(wanted)
    shadows = (lab[..., 0] > SHADOWS[0]) & (lab[..., 0] < SHADOWS[1])
    if shadows.mean() < FEWEST_SHADOWS:
        return float("nan")
    moved = (rgb2lab(found)[shadows] - lab[shadows]).mean(0)
    return float(np.hypot(moved[1], moved[2]))


def fine_spectrum(picture: Picture) -> NDArray[np.complex128]:
    """Fourier coefficients of the luma [H, W, 3] → [H, W], zero below FINE cycles per pixel; Hann window."""
    luma = picture @ LUMA
    height, width = luma.shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    spectrum = np.fft.fft2((luma - luma.mean()) * window)
    fine = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) >= FINE
    return np.asarray(spectrum * fine)


def fine_detail(found: Picture, wanted: Picture) -> tuple[float, float]:
    """(energy, kept): luma's energy beyond FINE over the reference's, and the share of the reference's detail in it.

    Energy counts noise as if it were detail, in both pictures: a noisy result is above 1, and over a noisy reference
    a perfect one is below 1. `kept` is the projection on the reference's detail (1 keeps all, 0 nothing), which noise
    of the result does not move; noise of the reference lowers it.
    """
    there, wished = fine_spectrum(found), fine_spectrum(wanted)
    energy = max(float(np.sum(np.abs(wished) ** 2)), 1e-9)
    kept = float(np.sum((there * wished.conj()).real))
    return float(np.sum(np.abs(there) ** 2)) / energy, kept / energy


def noise_share(wanted: Picture) -> float:
    """The share of a reference's own fine energy that may be noise, 0…1: an upper bound, texture counts as noise too.

    A result without any noise cannot have more energy than 1 less this.
    """
    luma = wanted @ LUMA
    variance = noise_sigma(np.stack([luma.astype(np.float32)])) ** 2
    height, width = luma.shape
    window = np.hanning(height)[:, None] * np.hanning(width)
    fine = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) >= FINE
    noise = variance * float(np.sum(window**2)) * int(fine.sum())
    return min(1.0, noise / max(float(np.sum(np.abs(fine_spectrum(wanted)) ** 2)), 1e-9))


def interval(values: NDArray[np.float64], random: np.random.Generator, *, median: bool = False) -> tuple[float, float]:
    """95 % bootstrap interval of the mean, or of the median; 2,000 draws."""
    draws = random.choice(values, (2000, len(values)))
    low, high = np.percentile(np.median(draws, 1) if median else draws.mean(1), [2.5, 97.5])
    return float(low), float(high)
