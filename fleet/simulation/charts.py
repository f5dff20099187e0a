"""Cost against waiting, one picture for each simulated place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from fleet.simulation.comparison import Row


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """An SVG a place: dollars per 1,000 photos against the wait that nine in ten did not exceed, both logarithmic."""
    import matplotlib as mpl  # noqa: PLC0415 — only who wants pictures needs it

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "firstlight"
    from matplotlib import pyplot as plt  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, place in enumerate(dict.fromkeys(row.place for row in rows)):
        here = [row for row in rows if row.place == place]
        figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
        for policy in dict.fromkeys(row.policy for row in here):
            mine = [row for row in here if row.policy == policy]
            cost, wait = mean(row.usd_per_1000 for row in mine), mean(row.wait_p90_s for row in mine)
            axes.scatter(cost, wait, s=50, zorder=3)
            axes.annotate(policy, (cost, wait), textcoords="offset points", xytext=(7, 5), fontsize=9)
        axes.set(xscale="log", yscale="log", xlabel="dollars per 1,000 photos", ylabel="wait p90, seconds", title=place)
        axes.margins(x=0.2, y=0.15)
        axes.grid(visible=True, which="both", alpha=0.25)
        path = folder / f"simulation-{number + 1}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        drawn.append(path)
    return drawn
