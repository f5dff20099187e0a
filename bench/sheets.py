"""Pictures to look at: `python -m bench.sheets --photos DIR --out DIR` puts given, classical and network side by side.

One sheet a photo: the whole picture above, three crops at 100 % below; columns given · classical · network.
"""

import argparse
from pathlib import Path

import numpy as np
import rawpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from model.engine import Engine, load_engine
from model.exposure import exposure_ratio
from model.plan import Codes
from model.weights import SHIPPED
from photos.raster import Raster

WHOLE, CROP = 640, 400
DEVELOPED = frozenset({".jpg", ".jpeg", ".png", ".webp"})
XYZ_OF_SRGB = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def opened(path: Path) -> tuple[Codes, Raster]:
    """Codes and their meaning: a developed photo as 8 bits, or a Bayer raw."""
    if path.suffix.lower() in DEVELOPED:
        with Image.open(path) as image:
            codes = np.array(image.convert("RGB"))
        raster = Raster(layout="rgb", width=codes.shape[1], height=codes.shape[0], depth=8, curve="srgb", white=255.0)
        return codes, raster
    with rawpy.imread(str(path)) as raw:
        pattern = [int(index) for index in raw.raw_pattern.ravel()]
        camera = raw.rgb_xyz_matrix[:3].astype(np.float64) @ XYZ_OF_SRGB
        camera /= camera.sum(1, keepdims=True)
        multipliers = np.array(raw.camera_whitebalance[:3]) / raw.camera_whitebalance[1]
        mosaic = np.array(raw.raw_image_visible, np.uint16)
        return mosaic, Raster(
            layout="mosaic",
            width=mosaic.shape[1],
            height=mosaic.shape[0],
            depth=16,
            curve="linear",
            cfa="".join("RGBG"[index] for index in pattern),
            black=tuple(float(raw.black_level_per_channel[index]) for index in pattern),  # type: ignore[arg-type]
            white=float(raw.white_level),
            white_balance=(float(multipliers[0]), 1.0, float(multipliers[2])),
            colour_matrix=tuple(np.linalg.inv(camera).ravel().tolist()),
        )


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
    for path in sorted(path for path in chosen.photos.iterdir() if path.is_file()):
        try:
            codes, raster = opened(path)
        except (OSError, ValueError, AttributeError, rawpy.LibRawError) as error:
            print(f"{path.name} is left out: {error}")
            continue
        used = chosen.ratio or exposure_ratio(codes, raster)
        pictures = [as_it_is(codes, raster, classical)]
        for engine in (classical, network):
            out = np.empty((raster.height, raster.width, 3), np.uint8)
            engine.enhance(codes, raster, used, out, lambda _: None)
            pictures.append(out)
        target = chosen.out / f"{path.stem}.jpg"
        sheet(pictures, [f"given: {path.name}", f"classical, ratio {used:.3g}", "network"]).save(target, quality=93)
        print(target)


if __name__ == "__main__":
    main()
