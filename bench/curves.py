"""How training went: `python -m bench.curves --out SVG losses.csv…` plots loss and learning rate over the batches."""

import argparse
import csv
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt


def curve(path: Path) -> dict[str, list[float]]:
    """The columns of a `losses.csv`: step, loss (smoothed over about 50 batches), learning_rate, seconds."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def main() -> None:
    """Draw one line per file, named after it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("losses", type=Path, nargs="+")
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    mpl.rcParams["svg.hashsalt"] = "firstlight"
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(8, 5), height_ratios=(3, 1), layout="constrained")
    for path in chosen.losses:
        columns = curve(path)
        above.plot(columns["step"], columns["loss"], linewidth=1, label=path.stem)
        below.plot(columns["step"], columns["learning_rate"], linewidth=1)
    above.set(ylabel="loss, smoothed", yscale="log")
    above.grid(visible=True, which="both", alpha=0.3)
    above.legend()
    below.set(xlabel="batches of 8 crops of 128×128", ylabel="learning rate")
    figure.savefig(chosen.out, metadata={"Date": None})
    print(chosen.out)


if __name__ == "__main__":
    main()
