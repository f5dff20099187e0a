"""Dark photos made from well-exposed ones, so that measurements and tests need no files from elsewhere."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from skimage import data


def night_jpeg(width: int, height: int, *, exposure: float = 1 / 16, seed: int = 0, quality: int = 92) -> bytes:
    """A JPEG of a real photograph, darkened in linear light by `exposure`, with shot and read noise."""
    rng = np.random.default_rng(seed)
    photo = Image.fromarray(data.astronaut() if seed % 2 == 0 else data.coffee()).resize((width, height))
    bright = np.asarray(photo, np.float32) / 255
    linear = np.where(bright <= 0.04045, bright / 12.92, ((bright + 0.055) / 1.055) ** 2.4) * exposure
    # Photon count of a full-scale pixel about 4,000; read noise of 2e-4 of full scale.
    noisy = linear + rng.standard_normal(linear.shape, np.float32) * np.sqrt(linear / 4000 + 4e-8)
    noisy = np.clip(noisy, 0, 1)
    codes = np.where(noisy <= 0.0031308, noisy * 12.92, 1.055 * noisy ** (1 / 2.4) - 0.055)
    file = io.BytesIO()
    Image.fromarray((codes * 255 + 0.5).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return file.getvalue()
