"""Quality on pairs: `python -m bench.quality --pairs DIR` prints tables, engines beside plain gain and filters.

DIR holds `low/` and `high/` with equal names. All rows share exposure, white balance and tone; they differ only in how
noise is treated. Plain figures judge exposure most of all, GT-mean ones the picture. Synthetic pairs, made here from
free photos at gains above 100, judge the colour of shadows. `--csv FILE` writes every figure of every pair.
"""

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.metrics import colour_error, fine_detail, interval, mean_matched, noise_share, scores, shadow_cast
from bench.pairs import Pair, enhanced, real_pairs, synthetic_pairs
from bench.yardsticks import Bilateral, GainOnly
from model.engine import Engine, EngineMissing, Name, load_engine
from model.weights import SHIPPED

FINE_WEIGHTS = SHIPPED.with_name("firstlight-fine.safetensors")
DARK_GAIN = 60.0
"""Real pairs from this gain on count for the colour of shadows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One figure of a picture, and how many of them become one."""

    name: str
    digits: int
    median: bool = False


COLUMNS = {
    "plain_psnr": Column(name="plain PSNR", digits=2),
    "plain_ssim": Column(name="plain SSIM", digits=3),
    "psnr": Column(name="GT-mean PSNR", digits=2),
    "ssim": Column(name="GT-mean SSIM", digits=3),
    "delta_e": Column(name="median ΔE2000", digits=2, median=True),
    "fine_energy": Column(name="fine energy", digits=2, median=True),
    "fine_kept": Column(name="fine kept", digits=2, median=True),
    "cast": Column(name=f"shadow cast, gain > {DARK_GAIN:.0f}", digits=2),
    "synthetic_cast": Column(name="shadow cast, synthetic", digits=2),
}
Figures = Mapping[str, NDArray[np.float64]]
"""Column → one value a pair."""


def engines(weights: Sequence[Path], names: Sequence[Name], threads: int) -> dict[str, Engine]:
    """Row's name → plain gain, the bilateral filters, and every network on every runtime that is installed here."""
    found: dict[str, Engine] = {each.name: each for each in (GainOnly(), Bilateral())}
    found["classical engine"] = load_engine("classical", threads=threads)
    for path in weights:
        for name in names:
            try:
                found[f"{path.stem}, {name}"] = load_engine(name, threads=threads, weights=path)
            except EngineMissing as missing:
                print(missing)
    return found


def figures(engine: Engine, pairs: Sequence[Pair], synthetic: Sequence[Pair]) -> Figures:
    """Every column of an engine; colour and detail after the means are matched."""
    rows = []
    for pair in pairs:
        found = enhanced(engine, pair.dark, pair.ratio)
        matched = mean_matched(found, pair.bright)
        cast = shadow_cast(matched, pair.bright) if pair.gain > DARK_GAIN else float("nan")
        rows.append(
            [*scores(found, pair.bright), colour_error(matched, pair.bright), *fine_detail(matched, pair.bright), cast]
        )
    columns = dict(zip(COLUMNS, np.array(rows).reshape(len(rows), -1).T, strict=False))
    columns["synthetic_cast"] = np.array(
        [shadow_cast(enhanced(engine, pair.dark, pair.ratio), pair.bright) for pair in synthetic]
    )
    return columns


def cell(values: NDArray[np.float64], column: Column) -> str:
    """The middle and its interval, "–" where there is nothing to judge."""
    there = values[~np.isnan(values)]
    if there.size == 0:
        return "–"
    low, high = interval(there, np.random.default_rng(1), median=column.median)
    middle = float(np.median(there) if column.median else there.mean())
    return f"{middle:.{column.digits}f} ({low:.{column.digits}f}…{high:.{column.digits}f})"


def table(rows: Mapping[str, Figures], title: str) -> str:
    """Markdown."""
    names = list(COLUMNS)
    lines = [f"| {title} | " + " | ".join(COLUMNS[name].name for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for row, values in rows.items():
        lines.append(f"| {row} | " + " | ".join(cell(values[name], COLUMNS[name]) for name in names) + " |")
    return "\n".join(lines)


def differences(rows: Mapping[str, Figures], against: str) -> dict[str, Figures]:
    """Pair by pair, each network less `against`: intervals of these are narrower than those of the rows."""
    networks = [row for row in rows if ", " in row]
    return {row: {name: rows[row][name] - rows[against][name] for name in COLUMNS} for row in networks}


def write_csv(path: Path, rows: Mapping[str, Figures], pairs: Sequence[Pair], synthetic: Sequence[Pair]) -> None:
    """One line an engine and pair; a figure that does not apply is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["engine", "pair", "gain", *COLUMNS])
        for row, values in rows.items():
            for index, pair in enumerate(pairs):
                found = [values[name][index] for name in COLUMNS if name != "synthetic_cast"]
                writer.writerow([row, pair.name, f"{pair.gain:.1f}", *map(number, found), ""])
            for pair, value in zip(synthetic, values["synthetic_cast"], strict=True):
                writer.writerow([row, pair.name, f"{pair.gain:.1f}", *[""] * (len(COLUMNS) - 1), number(value)])


def number(value: float) -> str:
    """Four digits, nothing for NaN."""
    return "" if np.isnan(value) else f"{value:.4f}"


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=Path, required=True)
    arguments.add_argument("--weights", type=Path, nargs="+", default=[SHIPPED, FINE_WEIGHTS])
    arguments.add_argument("--engines", nargs="+", choices=["torch", "openvino"], default=["torch", "openvino"])
    arguments.add_argument("--ratio", choices=["auto", "oracle"], default="auto")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--csv", type=Path)
    chosen = arguments.parse_args()
    pairs, synthetic = real_pairs(chosen.pairs, oracle=chosen.ratio == "oracle"), synthetic_pairs()
    present = [path for path in chosen.weights if path.exists()]
    rows = {
        name: figures(engine, pairs, synthetic)
        for name, engine in engines(present, chosen.engines, chosen.threads).items()
    }
    bright = sum(pair.gain > DARK_GAIN for pair in pairs)
    print(
        f"{len(pairs)} real pairs ({bright} beyond gain {DARK_GAIN:.0f}), {len(synthetic)} synthetic; ratio: "
        f"{chosen.ratio}; mean (fine and ΔE: median) and 95 % bootstrap interval; SSIM: 11-tap Gaussian, σ 1.5. Of the "
        f"references' own fine energy up to {np.median([noise_share(pair.bright) for pair in pairs]):.0%} is noise.\n"
    )
    print(table(rows, "engine") + "\n")
    print(table(differences(rows, "classical engine"), "less the classical engine, paired"))
    if chosen.csv is not None:
        write_csv(chosen.csv, rows, pairs, synthetic)


if __name__ == "__main__":
    main()
