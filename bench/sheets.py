"""Pictures to look at: `python -m bench.sheets --photos DIR --out DIR` puts given, classical and network side by side.

One sheet a photo: the whole picture above, three crops at 100 % below; columns given · classical · network.
"""

import argparse
import math
import mmap
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model.engine import Engine, load_engine
from model.exposure import exposure_ratio
from model.plan import Codes
from model.weights import SHIPPED
from photos.buffer import pixel_buffer
from photos.codec import Codec
from photos.errors import UnreadablePhoto
from photos.raster import Raster

WHOLE, CROP = 640, 400


def opened(codec: Codec, path: Path) -> tuple[Codes, Raster]:
    """Codes and their meaning; raises UnreadablePhoto."""
    with path.open("rb") as photo:
        facts = codec.probe(photo.fileno(), deadline_s=60)
        buffer = pixel_buffer(facts.pixel_bytes, "sheet")
        raster = codec.decode(photo.fileno(), facts, buffer, deadline_s=60)
    kind = np.uint8 if raster.depth == 8 else np.uint16
    codes: Any = np.frombuffer(mmap.mmap(buffer, facts.pixel_bytes), kind)
    os.close(buffer)
    shape = (raster.height, raster.width) if raster.layout == "mosaic" else (raster.height, raster.width, 3)
    return codes[: math.prod(shape)].reshape(shape), raster


def upright(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """A picture [H, W, 3] turned as EXIF's orientation 1…8 says."""
    turned = picture.swapaxes(0, 1) if orientation >= 5 else picture
    down, right = orientation in {3, 4, 7, 8}, orientation in {2, 3, 6, 7}
    return np.ascontiguousarray(turned[:: -1 if down else 1, :: -1 if right else 1])


def as_it_is(codes: Codes, raster: Raster, classical: Engine) -> NDArray[np.uint8]:
    """The given photo as a viewer would show it."""
    if raster.layout == "rgb":
        return np.asarray(codes, np.uint8)
    out = np.empty((raster.height, raster.width, 3), np.uint8)
    classical.enhance(codes, raster, 1.0, out, lambda _: None)
    return out


def sheet(pictures: list[NDArray[np.uint8]], titles: list[str]) -> Image.Image:
    """One sheet of equal pictures [H, W, 3]."""
    height, width = pictures[0].shape[:2]
    small = round(WHOLE * height / width)
    crop = min(CROP, height, width)
    rows = [(height // 4, width // 4), (height // 2, width // 2), (height * 3 // 4, width * 3 // 4)]
    page = Image.new("RGB", (len(pictures) * WHOLE, small + 20 + 3 * crop))
    draw = ImageDraw.Draw(page)
    for column, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        image = Image.fromarray(picture)
        page.paste(image.resize((WHOLE, small), Image.Resampling.LANCZOS), (column * WHOLE, 20))
        draw.text((column * WHOLE + 4, 4), title, fill="white")
        for row, (y, x) in enumerate(rows):
            top, left = min(max(0, y - crop // 2), height - crop), min(max(0, x - crop // 2), width - crop)
            cut = image.crop((left, top, left + min(WHOLE, width - left), top + crop))
            page.paste(cut, (column * WHOLE, 20 + small + row * crop))
    return page


def main() -> None:
    """Write a sheet for every photo of the folder."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--photos", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--weights", type=Path, default=SHIPPED)
    arguments.add_argument("--ratio", type=float, default=None)
    chosen = arguments.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    classical, network = load_engine("classical"), load_engine("openvino", weights=chosen.weights)
    with Codec(sandbox="auto") as codec:
        for path in sorted(path for path in chosen.photos.iterdir() if path.is_file()):
            try:
                codes, raster = opened(codec, path)
            except UnreadablePhoto as error:
                print(f"{path.name} is left out: {error}")
                continue
            used = chosen.ratio or exposure_ratio(codes, raster)
            pictures = [as_it_is(codes, raster, classical)]
            for engine in (classical, network):
                out = np.empty((raster.height, raster.width, 3), np.uint8)
                engine.enhance(codes, raster, used, out, lambda _: None)
                pictures.append(out)
            target = chosen.out / f"{path.stem}.png"
            pictures = [upright(picture, raster.orientation) for picture in pictures]
            sheet(pictures, [f"given: {path.name}", f"classical, ratio {used:.3g}", "network"]).save(target)
            print(target)


if __name__ == "__main__":
    main()
