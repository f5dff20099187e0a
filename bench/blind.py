"""Blind sheets: which of two pictures is better, asked of somebody who does not know which is whose.

    python -m bench.blind sheets --photos DIR… --pairs DIR --out DIR    numbered sheets, and a key beside the folder
    python -m bench.blind score KEY JUDGEMENTS.csv                      what the judge's table adds up to

A sheet shows A and B side by side: the network, and the classical engine (gain and a bilateral filter as strong as the
noise) at the same exposure, white balance and tone; whole, or cut out at 100 %. Sides and order are shuffled. The judge
writes `sheet,preferred,broken,note`: A, B or =; nothing, A, B or AB; a few words.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.judgement import SIDES, MalformedTable, read_judgements, read_key, report, verdicts
from bench.metrics import LUMA
from bench.pairs import rgb8
from bench.sheets import opened, upright
from bench.yardsticks import Bilateral
from model.engine import Engine, load_engine
from model.exposure import exposure_ratio
from model.plan import Codes
from model.weights import SHIPPED
from photos.codec import Codec
from photos.errors import UnreadablePhoto
from photos.raster import Raster

PANE_WIDTH, PANE_HEIGHT = 690, 740
"""Of one side. Two fill a sheet that viewers which shrink to some 1.2 megapixels still show pixel by pixel."""
GAP, HEADER = 16, 24
PAIRS = 12
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duel:
    """One photo as both sides made it; `name` goes into the key only."""

    name: str
    network: Picture
    other: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one sheet shows of a duel: a window in pixels, or all of it."""

    name: str
    top: int
    left: int
    height: int
    width: int


def fought(name: str, codes: Codes, raster: Raster, network: Engine, other: Engine) -> Duel:
    """A photo through both engines at the ratio that `auto` estimates."""
    ratio = exposure_ratio(codes, raster)
    pictures = []
    for engine in (network, other):
        out = np.empty((raster.height, raster.width, 3), np.uint8)
        engine.enhance(codes, raster, ratio, out, lambda _: None)
        pictures.append(upright(out, raster.orientation))
    return Duel(name=f"{name} ×{ratio:.3g}", network=pictures[0], other=pictures[1])


def duels(places: Iterable[Path], network: Engine, other: Engine) -> Iterator[Duel]:
    """Every photo of folders and files that can be read; one that cannot is named and left out."""
    paths = [path for place in places for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    with Codec(sandbox="auto") as codec:
        for path in paths:
            if not path.is_file():
                continue
            try:
                codes, raster = opened(codec, path)
            except UnreadablePhoto as error:
                print(f"{path.name} is left out: {error}")
                continue
            yield fought(path.name, codes, raster, network, other)


def pair_duels(folder: Path, random: np.random.Generator, network: Engine, other: Engine) -> Iterator[Duel]:
    """Dark halves of PAIRS pairs drawn from a folder."""
    names = sorted(path.name for path in (folder / "low").iterdir())
    for name in sorted(random.choice(names, min(PAIRS, len(names)), replace=False)):
        dark = rgb8(folder / "low" / name)
        raster = Raster(layout="rgb", width=dark.shape[1], height=dark.shape[0], depth=8, curve="srgb", white=255.0)
        yield fought(f"pair {name}", dark, raster, network, other)


def views(duel: Duel) -> list[View]:
    """The whole, and where that does not fit at 100 %, the busiest window of the brighter and of the darker half.

    Windows are chosen on the mean of both sides, so the choice favours neither.
    """
    height, width = duel.network.shape[:2]
    whole = View(name="whole", top=0, left=0, height=height, width=width)
    if height <= PANE_HEIGHT and width <= PANE_WIDTH:
        return [whole]
    high, wide = min(PANE_HEIGHT, height), min(PANE_WIDTH, width)
    luma = (duel.network @ LUMA + duel.other @ LUMA) / 2
    found = []
    for top in range(0, height - high + 1, max(1, (high + 1) // 2)):
        for left in range(0, width - wide + 1, max(1, (wide + 1) // 2)):
            part = luma[top : top + high, left : left + wide]
            small = part[: high // 4 * 4, : wide // 4 * 4].reshape(high // 4, 4, wide // 4, 4).mean((1, 3))
            busy = np.abs(np.diff(small, axis=0)).mean() + np.abs(np.diff(small, axis=1)).mean()
            found.append((part.mean(), busy, View(name="crop", top=top, left=left, height=high, width=wide)))
    middle = np.median([light for light, _, _ in found])
    halves = [[each for each in found if each[0] > middle], [each for each in found if each[0] <= middle]]
    return [whole, *(max(half, key=lambda each: each[1])[2] for half in halves if half)]


def pane(picture: Picture, view: View) -> Image.Image:
    """One side of a sheet; shrunk only if it does not fit."""
    cut = picture[view.top : view.top + view.height, view.left : view.left + view.width]
    image = Image.fromarray(np.ascontiguousarray(cut))
    image.thumbnail((PANE_WIDTH, PANE_HEIGHT), Image.Resampling.LANCZOS)
    return image


def sheet(number: str, left: Image.Image, right: Image.Image) -> Image.Image:
    """A beside B, and nothing that tells more than the number."""
    page = Image.new("RGB", (2 * left.width + GAP, left.height + HEADER), "black")
    draw = ImageDraw.Draw(page)
    for side, image, at in zip(SIDES, (left, right), (0, left.width + GAP), strict=True):
        page.paste(image, (at, HEADER))
        draw.text((at + 4, 6), f"{number} {side}", fill="white")
    return page


def write_sheets(all_duels: Iterable[Duel], out: Path, key: Path, random: np.random.Generator) -> int:
    """Sheets under shuffled numbers into the folder `out`, the key elsewhere; how many."""
    out.mkdir(parents=True, exist_ok=True)
    if key.resolve().is_relative_to(out.resolve()):
        raise MalformedTable("the key must lie outside the folder that the judge sees: name another --key")
    drawn = []
    for duel in all_duels:
        for view in views(duel):
            side = SIDES[random.integers(2)]
            both = (pane(duel.network, view), pane(duel.other, view))
            drawn.append((duel.name, view.name, side, both if side == "A" else both[::-1]))
    with key.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["sheet", "photo", "view", "network"])
        for number, at in enumerate(random.permutation(len(drawn)), start=1):
            photo, view_name, side, (left, right) = drawn[at]
            sheet(f"{number:03}", left, right).save(out / f"{number:03}.png")
            writer.writerow([f"{number:03}", photo, view_name, side])
    return len(drawn)


def main() -> None:
    """Draw sheets, or count what was said of them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = arguments.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("sheets")
    draw.add_argument("--photos", type=Path, nargs="*", default=[], help="folders or files")
    draw.add_argument("--pairs", type=Path, help="folder with low/ and high/")
    draw.add_argument("--out", type=Path, required=True)
    draw.add_argument("--key", type=Path, help="OUT-key.csv beside the folder by default")
    draw.add_argument("--seed", type=int, default=1)
    draw.add_argument("--weights", type=Path, default=SHIPPED)
    draw.add_argument("--engine", choices=["openvino", "torch"], default="openvino")
    draw.add_argument("--against", choices=["classical", "bilateral"], default="classical")
    count = commands.add_parser("score")
    count.add_argument("key", type=Path)
    count.add_argument("judgements", type=Path)
    chosen = arguments.parse_args()
    if chosen.command == "score":
        sheets = read_key(chosen.key)
        print(report(sheets, verdicts(sheets, read_judgements(chosen.judgements))))
        return
    random = np.random.default_rng(chosen.seed)
    network = load_engine(chosen.engine, weights=chosen.weights)
    other = load_engine("classical") if chosen.against == "classical" else Bilateral()
    key = chosen.key or chosen.out.with_name(f"{chosen.out.name}-key.csv")

    def everything() -> Iterator[Duel]:
        yield from duels(chosen.photos, network, other)
        if chosen.pairs is not None:
            yield from pair_duels(chosen.pairs, random, network, other)

    print(f"{write_sheets(everything(), chosen.out, key, random)} sheets in {chosen.out}, the key in {key}")


if __name__ == "__main__":
    main()
