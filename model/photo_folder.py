"""A folder of well-exposed photos, read for training."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from model.synthesis import Photo

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
LARGEST = 1_500_000
"""Pixels to which a photo is shrunk: that averages away its own noise and its JPEG blocks."""
SMALLEST_SIDE = 256


def read_photos(folder: Path, say: Callable[[str], None]) -> list[Photo]:
    """The photos of a folder and its subfolders, [H, W, 3] uint8 sRGB; those that cannot serve are named to `say`."""
    photos = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        try:
            photos.append(read_photo(path))
        except (UnidentifiedImageError, OSError, ValueError) as error:
            say(f"{path.name} is left out: {error}")
    return photos


def read_photo(path: Path) -> Photo:
    """One photo, shrunk to LARGEST; raises OSError when it cannot be read and ValueError when it is too small."""
    with Image.open(path) as image:
        shrink = (LARGEST / (image.width * image.height)) ** 0.5
        photo = image.convert("RGB")
        if shrink < 1:
            photo = photo.resize((round(image.width * shrink), round(image.height * shrink)), Image.Resampling.BOX)
    if min(photo.size) < SMALLEST_SIDE:
        raise ValueError(f"{photo.width}×{photo.height} is too small, both sides need {SMALLEST_SIDE} pixels.")
    return np.array(photo)
