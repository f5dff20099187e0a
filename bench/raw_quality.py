"""Quality on raws: `python -m bench.raw_quality` takes free photos in the dark, ×100, ×250, ×300, and develops.

    photo ─▶ raw_camera: a DNG at 1/ratio of the exposure ─┬▶ sandboxed decode ─▶ network ─▶ 16 bits ─┬▶ PSNR, SSIM
                                                           └▶ LibRaw ─▶ gain ─▶ denoiser ────────────┘
Exposure and white balance are the same for all and no tone curve is applied. Two domains: *linear raw* is light in
white-balanced camera colours, 0…1; *sRGB* is codes after the colour matrix. The classical figure is that of the best of
48 combinations, chosen for each ratio and system gain on the very pictures it is then measured on: the network gets no
such favour. `--photos DIR` takes other photos, `--csv FILE` writes every combination.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from bench.free_photos import free_photos, photos_of
from bench.metrics import interval
from bench.raw_trial import DOMAINS, RATIOS, SIDE, Score, cases, classical, ours
from model.engine import load_engine
from model.enhancement import Runtime
from model.weights import SHIPPED
from photos.codec import Codec

UNTREATED = "AHD, no denoiser"
Setting = tuple[str, float, float]
"""Domain, ratio, system gain."""


def setting(score: Score) -> Setting:
    """Where a strength is tuned."""
    return score.domain, score.case.ratio, score.case.system_gain


def best(scores: list[Score]) -> dict[Setting, str]:
    """The way with the highest mean PSNR in each setting."""
    found: dict[Setting, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for score in scores:
        found[setting(score)][score.way].append(score.psnr)
    return {where: max(ways, key=lambda way: float(np.mean(ways[way]))) for where, ways in found.items()}


def column(scores: list[Score], ways: dict[Setting, str]) -> NDArray[np.float64]:
    """[cases, 2]: PSNR and SSIM of the way that each setting names, in the order of the cases."""
    return np.array([[score.psnr, score.ssim] for score in scores if ways[setting(score)] == score.way])


def cell(values: NDArray[np.float64], digits: int) -> str:
    """Mean and 95 % bootstrap interval."""
    low, high = interval(values, np.random.default_rng(1))
    return f"{values.mean():.{digits}f} ({low:.{digits}f}…{high:.{digits}f})"


def table(of_others: list[Score], of_ours: list[Score]) -> str:
    """Markdown: a row for each domain and ratio, the network's lead taken case by case."""
    winners = best(of_others)
    names = list(dict.fromkeys(score.way for score in of_ours))
    titles = [UNTREATED, "best classical", *names, f"{names[-1]} − best classical"]
    lines = [f"| domain, ratio | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for domain in DOMAINS:
        for ratio in sorted({score.case.ratio for score in of_ours}):
            here = [score for score in of_others if (score.domain, score.case.ratio) == (domain, ratio)]
            own = [score for score in of_ours if (score.domain, score.case.ratio) == (domain, ratio)]
            columns = [column(here, dict.fromkeys(winners, UNTREATED)), column(here, winners)]
            columns += [column(own, dict.fromkeys(winners, name)) for name in names]
            columns.append(columns[-1] - columns[1])
            cells = [f"{cell(each[:, 0], 2)} dB, {cell(each[:, 1], 3)}" for each in columns]
            lines.append(f"| {domain}, ×{ratio:.0f} | {' | '.join(cells)} |")
    chosen = [f"{domain} ×{ratio:.0f} K {gain}: {way}" for (domain, ratio, gain), way in sorted(winners.items())]
    return "\n".join([*lines, "", "best classical: " + "; ".join(chosen)])


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
    arguments.add_argument("--weights", type=Path, default=SHIPPED)
    arguments.add_argument("--engine", choices=["openvino", "torch"], default="openvino")
    arguments.add_argument("--side", type=int, default=SIDE)
    arguments.add_argument("--csv", type=Path)
    chosen = arguments.parse_args()
    photos = free_photos() if chosen.photos is None else photos_of(chosen.photos)
    engines = [
        cast("Runtime", load_engine("classical")),
        cast("Runtime", load_engine(chosen.engine, weights=chosen.weights)),
    ]
    taken = list(cases(photos, chosen.side, RATIOS))
    of_others = [score for case in taken for score in classical(case)]
    with Codec(sandbox="auto") as codec:
        of_ours = [score for case in taken for engine in engines for score in ours(case, codec, engine)]
    print(f"{len(taken)} raws of {len(photos)} photos, sides up to {chosen.side}; mean PSNR and SSIM, 95 % intervals\n")
    print(table(of_others, of_ours))
    if chosen.csv is not None:
        write_csv(chosen.csv, of_others + of_ours)


if __name__ == "__main__":
    main()
