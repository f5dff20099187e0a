"""The page's sample: `python -m bench.sample` darkens a free photo and shows what our network makes of it.

The dark JPEG is what a visitor tries; before and after are what the page shows of it first.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

from bench.free_photos import free_photos
from bench.night_camera import night
from bench.pictures import fitting, shown
from bench.sheets import opened
from model.engine import Engine, load_engine
from model.weights import SHIPPED
from photos.codec import Codec

NAME, GAIN, SEED = "coffee", 16.0, 1
"""Four stops under: clearly dark, and still to be recognised."""
LARGEST_PHOTO, LARGEST_VIEW = 120_000, 60_000
"""Bytes. The photo is worth more than its views: what its JPEG throws away of the shadows, nothing brings back."""
FINEST = 98
"""JPEG quality: at 92, blocks show in the shadows once they are bright."""


def dark_photo() -> bytes:
    """A JPEG of the free photo as the night camera takes it."""
    taken = night(free_photos()[NAME], GAIN, np.random.default_rng(SEED))
    return fitting(Image.fromarray(taken), LARGEST_PHOTO, best=FINEST)


def views(path: Path, network: Engine) -> tuple[bytes, bytes]:
    """Two WebPs of a JPEG at its own size: as it is, and brightened as the service does by itself."""
    with Codec(sandbox="auto") as codec:
        codes, raster = opened(codec, path)
    with Image.open(io.BytesIO(path.read_bytes())) as before:
        after = Image.fromarray(shown(codes, raster, network, None).bright)
        return fitting(before, LARGEST_VIEW, kind="WEBP"), fitting(after, LARGEST_VIEW, kind="WEBP")


def main() -> None:
    """Write the three files."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", type=Path, default=Path("web/src/parts"))
    arguments.add_argument("--weights", type=Path, default=SHIPPED)
    chosen = arguments.parse_args()
    photo = chosen.out / "sample.jpg"
    photo.write_bytes(dark_photo())
    before, after = views(photo, load_engine("openvino", weights=chosen.weights))
    (chosen.out / "sample-before.webp").write_bytes(before)
    (chosen.out / "sample-after.webp").write_bytes(after)


if __name__ == "__main__":
    main()
