"""Cost against waiting, and what the cost is for: one picture for each simulated place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from fleet.simulation.comparison import Row
from fleet.simulation.scenarios import BRIDGED, OLD, ORACLE, OURS
from fleet.simulation.spending import PURPOSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#4c72b0", "#9fb8d9", "#2e7d32", "#a5d6a7", "#e07b39", "#8c8c8c", "#c62828", "#d7b0b0", "#7b4fa0")
TOO_MUCH = 1.5  # a bar so much longer than the old system's would leave no room for the others
TRIED = f"{OURS}, IDLE_S="


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A policy's means over the seeds. `purposes` are dollars per 1,000 photos and sum up to `usd`."""

    usd: float
    wait_s: float
    purposes: Mapping[str, float]


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """A PNG a place. Left: dollars per 1,000 photos against the wait that nine in ten did not exceed, both logarithmic;
    fixed idle times are joined by a line. Right: the same dollars by purpose, the cheapest policy first.
    """
    import matplotlib as mpl  # noqa: PLC0415 — only who wants pictures needs it

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, place in enumerate(dict.fromkeys(row.place for row in rows)):
        points = _points([row for row in rows if row.place == place])
        figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
        seeds = len({row.seed for row in rows if row.place == place})
        figure.suptitle(
            f"{place}: the machines' cost and people's waiting (mean of {seeds} seed{'s' * (seeds > 1)})", fontsize=13
        )
        _scatter(left, points)
        _bars(right, points)
        path = folder / f"simulation-{number + 1}.png"
        figure.savefig(path, dpi=110)
        plt.close(figure)
        drawn.append(path)
    return drawn


def _points(rows: Sequence[Row]) -> dict[str, Point]:
    found = {}
    for policy in dict.fromkeys(row.policy for row in rows):
        mine = [row for row in rows if row.policy == policy]
        purposes = {name: mean(getattr(row.spending, name) for row in mine) for name in PURPOSES}
        found[policy] = Point(
            usd=mean(row.usd_per_1000 for row in mine),
            wait_s=mean(row.wait_p90_s for row in mine),
            purposes=purposes,
        )
    return found


def _scatter(axes: Axes, points: Mapping[str, Point]) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter  # noqa: PLC0415

    tried = [point for name, point in points.items() if name.startswith(TRIED)]
    if tried:
        usd, waits_s = [point.usd for point in tried], [point.wait_s for point in tried]
        axes.plot(usd, waits_s, color="#888888", lw=1, marker=".", label=f"{OURS} with a fixed IDLE_S")
        axes.legend(fontsize=8, loc="upper left")
    for name, point in points.items():
        if name.startswith(TRIED):
            said, size, colour = f"{name.removeprefix(TRIED)} s", 0, "#666666"
        else:
            said, size = name, 60
            colour = "#c62828" if name in (OURS, BRIDGED) else "#2e7d32" if name == ORACLE else "#4c72b0"
            axes.scatter(point.usd, point.wait_s, s=size, color=colour, zorder=3)
        axes.annotate(
            said,
            (point.usd, point.wait_s),
            textcoords="offset points",
            xytext=(7, 4) if size else (-3, -10),
            fontsize=9 if size else 7,
            color=colour,
            fontweight="bold" if name in (OURS, BRIDGED) else "normal",
        )
    axes.set(xscale="log", yscale="log", xlabel="dollars per 1,000 photos (less is better: left)")
    axes.set_ylabel("wait that 9 in 10 photos did not exceed, seconds (down)")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.margins(x=0.3, y=0.1)
    axes.grid(visible=True, which="major", alpha=0.25)


def _bars(axes: Axes, points: Mapping[str, Point]) -> None:
    known = sorted((item for item in points.items() if not item[0].startswith(TRIED)), key=lambda item: -item[1].usd)
    most = TOO_MUCH * points[OLD].usd if OLD in points else max(point.usd for _, point in known)
    shown = [(name, point) for name, point in known if point.usd <= most]
    names = [name for name, _ in shown]
    left = [0.0] * len(shown)
    for (purpose, said), colour in zip(PURPOSES.items(), COLOURS, strict=True):
        lengths = [point.purposes[purpose] for _, point in shown]
        axes.barh(names, lengths, left=left, color=colour, label=said)
        left = [begin + length for begin, length in zip(left, lengths, strict=True)]
    longest = max(left, default=1.0)
    for row, end in enumerate(left):
        axes.text(end + longest * 0.01, row, f"{end:.2f}", va="center", fontsize=9)
    beyond = [f"{name}: {point.usd:,.0f}" for name, point in known if point.usd > most]
    axes.set_xlabel("dollars per 1,000 photos" + (f" (not drawn: {', '.join(beyond)})" if beyond else ""))
    axes.set_xlim(0, longest * 1.12)
    axes.legend(fontsize=8, loc="upper right" if not shown or left[-1] < longest / 2 else "lower right")
    axes.spines[["top", "right"]].set_visible(False)
