"""Quality on raws: `python -m bench.raw_quality` takes free photos in the dark, ×100, ×250, ×300, and develops.

    photo ─▶ raw_camera: a DNG at 1/ratio of the exposure ─┬▶ sandboxed decode ─▶ network ─▶ 16 bits ─┬▶ PSNR, SSIM
                                                           └▶ LibRaw ─▶ gain ─▶ denoiser ────────────┘
Exposure and white balance are the same for all and no tone curve is applied. Two domains: *linear raw* is light in
white-balanced camera colours, 0…1; *sRGB* is codes after the colour matrix. "Best classical" is the best of 48
combinations, chosen for each ratio, or for each ratio and ISO setting, on the very pictures it is then measured on: the
network gets no such favour. `--photos DIR` takes other photos, `--csv FILE` writes every combination.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.free_photos import free_photos, photos_of
from bench.metrics import interval
from bench.quality import FINE_WEIGHTS
from bench.raw_trial import DOMAINS, RATIOS, SIDE, Score, cases, classical, ours
from model.engine import load_engine
from model.enhancement import Runtime
from model.weights import SHIPPED
from photos.codec import Codec

UNTREATED = "AHD, no denoiser"


def by_ratio(score: Score) -> tuple[str, float, float]:
    """One strength for a ratio, whatever the ISO setting."""
    return score.domain, score.case.ratio, 0.0


def by_setting(score: Score) -> tuple[str, float, float]:
    """A strength for each ratio and ISO setting."""
    return score.domain, score.case.ratio, score.case.system_gain


def best(scores: Iterable[Score], place: Callable[[Score], Hashable]) -> dict[Hashable, str]:
    """The way with the highest mean PSNR in each place."""
    found: dict[Hashable, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        found[place(score)][score.way].append(score.psnr)
    return {where: max(ways, key=lambda way: float(np.mean(ways[way]))) for where, ways in found.items()}


def column(scores: Iterable[Score], chosen: Callable[[Score], bool]) -> NDArray[np.float64]:
    """[cases, 2]: PSNR and SSIM of the scores that are chosen, in the order of the cases."""
    return np.array([[score.psnr, score.ssim] for score in scores if chosen(score)])


def cell(values: NDArray[np.float64]) -> str:
    """Means and 95 % bootstrap intervals of PSNR and SSIM."""
    random = np.random.default_rng(1)
    (low, high), (least, most) = interval(values[:, 0], random), interval(values[:, 1], random)
    decibels, structure = values.mean(0)
    return f"{decibels:.2f} ({low:.2f}…{high:.2f}) dB, {structure:.3f} ({least:.3f}…{most:.3f})"


def table(of_others: list[Score], of_ours: list[Score]) -> str:
    """Markdown: a row for each domain and ratio; the networks' lead is taken case by case."""
    fixed, tuned = best(of_others, by_ratio), best(of_others, by_setting)
    names = list(dict.fromkeys(score.way for score in of_ours))
    networks = names[1:]
    titles = [UNTREATED, "best classical", "the same, tuned to each ISO", *names]
    titles += [f"{name} − {other}" for name in networks for other in ("best", "tuned")]
    lines = [f"| domain, ratio | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for domain in DOMAINS:
        for ratio in sorted({score.case.ratio for score in of_ours}):
            here = [score for score in of_others if (score.domain, score.case.ratio) == (domain, ratio)]
            own = [score for score in of_ours if (score.domain, score.case.ratio) == (domain, ratio)]
            columns = [
                column(here, lambda score: score.way == UNTREATED),
                column(here, lambda score: score.way == fixed[by_ratio(score)]),
                column(here, lambda score: score.way == tuned[by_setting(score)]),
                *(column(own, partial(made_by, name)) for name in names),
            ]
            columns += [columns[4 + at] - columns[other] for at in range(len(networks)) for other in (1, 2)]
            lines.append(f"| {domain}, ×{ratio:.0f} | {' | '.join(map(cell, columns))} |")
    chosen = "; ".join(f"{score.domain} ×{score.case.ratio:.0f} {fixed[by_ratio(score)]}" for score in firsts(of_ours))
    return "\n".join([*lines, "", f"best classical: {chosen}"])


def made_by(name: str, score: Score) -> bool:
    """Whether a score is of this engine."""
    return score.way == name


def firsts(scores: Iterable[Score]) -> list[Score]:
    """One score for each domain and ratio, in order."""
    found = {(score.domain, score.case.ratio): score for score in scores}
    return [found[where] for where in sorted(found)]


def write_csv(path: Path, scores: list[Score]) -> None:
    """One line a case, way and domain."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["domain", "photo", "ratio", "system_gain", "way", "psnr", "ssim"])
        for score in scores:
            case = score.case
            numbers = (f"{score.psnr:.4f}", f"{score.ssim:.5f}")
            writer.writerow([score.domain, case.photo, case.ratio, case.system_gain, score.way, *numbers])


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--photos", type=Path, help="folder of bright JPEGs or PNGs; free photos by default")
    arguments.add_argument("--weights", type=Path, nargs="+", default=[SHIPPED, FINE_WEIGHTS])
    arguments.add_argument("--engine", choices=["openvino", "torch"], default="openvino")
    arguments.add_argument("--without-bias", action="store_true", help="a camera that knows its black to the count")
    arguments.add_argument("--side", type=int, default=SIDE)
    arguments.add_argument("--csv", type=Path)
    chosen = arguments.parse_args()
    photos = free_photos() if chosen.photos is None else photos_of(chosen.photos)
    engines = {"classical engine": load_engine("classical")}
    for path in chosen.weights:
        if path.exists():
            engines[path.stem] = load_engine(chosen.engine, weights=path)
    taken = list(cases(photos, chosen.side, RATIOS, biased=not chosen.without_bias))
    of_others = [score for case in taken for score in classical(case)]
    with Codec(sandbox="auto") as codec:
        of_ours = [
            score
            for case in taken
            for name, engine in engines.items()
            for score in ours(case, codec, cast("Runtime", engine), name)
        ]
    print(f"{len(taken)} raws of {len(photos)} photos, sides up to {chosen.side}; mean PSNR and SSIM, 95 % intervals\n")
    print(table(of_others, of_ours))
    if chosen.csv is not None:
        write_csv(chosen.csv, of_others + of_ours)


if __name__ == "__main__":
    main()
