"""Photos that come with scikit-image and belong to everybody, so that measurements need nothing from elsewhere."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

CREDITS = {
    "astronaut": "Eileen Collins, by NASA, public domain",
    "chelsea": "Chelsea the cat, by Stefan van der Walt, CC0",
    "coffee": "Coffee cup, by Rachel Michetti, CC0",
    "rocket": "DSCOVR on Falcon 9, by SpaceX, public domain",
}


def free_photos() -> dict[str, NDArray[np.uint8]]:
    """Name → [H, W, 3], sides even."""
    return {name: even(getattr(data, name)()) for name in CREDITS}


def photos_of(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """The same of a folder's JPEGs and PNGs."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            with Image.open(path) as image:
                found[path.stem] = even(np.array(image.convert("RGB")))
    return found


def even(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Without the last row or column where a side is odd."""
    return np.ascontiguousarray(photo[: photo.shape[0] // 2 * 2, : photo.shape[1] // 2 * 2, :3])
