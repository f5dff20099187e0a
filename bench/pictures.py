"""Before and after for the README: `python -m bench.pictures --photos DIR` writes small JPEGs and their credits.

A picture has two rows: the whole photo as it was taken and as our weights make it, and a part of it at 100 %, only
gained and as our weights make it. Real night photos are taken from DIR where they are found under their names; the rest
are free photos that were darkened here, and say so.
"""

import argparse
import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bench.free_photos import CREDITS, free_photos
from bench.raw_camera import D850, camera_light, counts, dng, noisy
from bench.sheets import opened, upright
from bench.yardsticks import GainOnly
from model.engine import Engine, load_engine
from model.exposure import exposure_ratio
from model.plan import Codes
from model.weights import SHIPPED
from photos.codec import Codec
from photos.raster import Raster

WIDTH, CROP = 480, 300
"""Of one half, and the height of the part at 100 %."""
GAP, CAPTION = 8, 22
LARGEST = 150_000
"""Bytes of one picture."""
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A photo to show. `corner` is where the part at 100 % begins, as shares of height and width."""

    name: str
    source: str
    credit: str
    corner: tuple[float, float]


NIGHTS = (
    Subject(
        name="city",
        source="0e5be910_6_DSC08112.JPG",
        credit="A real night photo, from github.com/PDDatabase/PDImages, CC0",
        corner=(0.42, 0.5),
    ),
    Subject(
        name="bricks",
        source="53d65d5c_2_DSC01604.JPG",
        credit="A real under-exposed photo, from github.com/PDDatabase/PDImages, CC0",
        corner=(0.28, 0.38),
    ),
    Subject(
        name="tower",
        source="767f81a0_5_DSC07978.JPG",
        credit="A real night photo, from github.com/PDDatabase/PDImages, CC0",
        corner=(0.155, 0.46),
    ),
)
DARKENED = (Subject(name="coffee-raw", source="coffee", credit=CREDITS["coffee"], corner=(0.15, 0.1)),)
RATIO, SYSTEM_GAIN = 100.0, 1.36
"""Of the photos that are darkened here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A photo as it was taken, only gained, and enhanced."""

    taken: Picture
    gained: Picture
    bright: Picture
    ratio: float


def shown(codes: Codes, raster: Raster, network: Engine, ratio: float | None) -> Shown:
    """Three pictures of one photo; the exposure ratio is estimated when None."""
    used = exposure_ratio(codes, raster) if ratio is None else ratio
    made = []
    for engine, light in ((GainOnly(), 1.0), (GainOnly(), used), (network, used)):
        out = np.empty((raster.height, raster.width, 3), np.uint8)
        engine.enhance(codes, raster, light, out, lambda _: None)
        made.append(upright(out, raster.orientation))
    return Shown(taken=made[0], gained=made[1], bright=made[2], ratio=used)


def page(four: Shown, corner: tuple[float, float]) -> Image.Image:
    """Two rows of two, with captions."""
    height, width = four.taken.shape[:2]
    small = round(WIDTH * height / width)
    high, wide = min(CROP, height), min(WIDTH, width)
    top, left = round(corner[0] * (height - high)), round(corner[1] * (width - wide))
    picture = Image.new("RGB", (2 * WIDTH + GAP, small + high + 2 * CAPTION), "black")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=13)
    whole = [
        Image.fromarray(each).resize((WIDTH, small), Image.Resampling.LANCZOS) for each in (four.taken, four.bright)
    ]
    parts = [Image.fromarray(each[top : top + high, left : left + wide]) for each in (four.gained, four.bright)]
    captions = (("as taken", f"Firstlight, ratio {four.ratio:.3g}"), ("only gained, at 100 %", "Firstlight, at 100 %"))
    for row, (images, texts) in enumerate(zip((whole, parts), captions, strict=True)):
        at = row * (small + CAPTION)
        for column, (image, text) in enumerate(zip(images, texts, strict=True)):
            draw.text((column * (WIDTH + GAP) + 4, at + 3), text, fill="white", font=font)
            picture.paste(image, (column * (WIDTH + GAP), at + CAPTION))
    return picture


def fitting(picture: Image.Image, largest: int, *, kind: str = "JPEG", best: int = 92) -> bytes:
    """The best quality from `best` down that fits into `largest` bytes; ValueError if even quality 40 does not."""
    for quality in range(best, 39, -2):
        file = io.BytesIO()
        picture.save(file, kind, quality=quality, optimize=True)
        if file.tell() <= largest:
            return file.getvalue()
    raise ValueError(f"no quality makes {picture.size} fit into {largest} bytes")


def darkened(name: str) -> bytes:
    """A raw of a free photo at 1/RATIO of its exposure."""
    light = camera_light(free_photos()[name])
    return dng(noisy(counts(light, RATIO), SYSTEM_GAIN, D850, np.random.default_rng(5)))


def credits_text(made: Iterable[Subject]) -> str:
    """Markdown: a line a picture, which says so where the darkness is ours."""
    synthetic = f"; a **synthetic** raw, {RATIO:.0f} times darker, with a real camera's noise"
    lines = [f"- `{each.name}.jpg`: {each.credit}{synthetic * (each in DARKENED)}." for each in made]
    lines.append(f"- The page's sample: {CREDITS['coffee']}; darkened and brightened by `python -m bench.sample`.")
    return "\n".join(["# Where the pictures come from", "", "Made by `python -m bench.pictures`.", "", *lines, ""])


def main() -> None:
    """Write what can be made."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--photos", type=Path, help="folder with the night photos")
    arguments.add_argument("--out", type=Path, default=Path("docs/pictures"))
    arguments.add_argument("--weights", type=Path, default=SHIPPED)
    chosen = arguments.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    network = load_engine("openvino", weights=chosen.weights)
    made: list[Subject] = []
    with Codec(sandbox="auto") as codec, tempfile.TemporaryDirectory() as scratch:
        for subject in (*NIGHTS, *DARKENED):
            night = subject in NIGHTS
            path = Path(scratch, f"{subject.name}.dng") if not night else Path(chosen.photos or scratch, subject.source)
            if not night:
                path.write_bytes(darkened(subject.source))
            if not path.exists():
                print(f"{subject.name} is left out: there is no {path.name}; name its folder by --photos")
                continue
            codes, raster = opened(codec, path)
            picture = page(shown(codes, raster, network, None if night else RATIO), subject.corner)
            (chosen.out / f"{subject.name}.jpg").write_bytes(fitting(picture, LARGEST))
            made.append(subject)
            print(chosen.out / f"{subject.name}.jpg")
    (chosen.out / "CREDITS.md").write_text(credits_text(made), encoding="utf-8")


if __name__ == "__main__":
    main()
