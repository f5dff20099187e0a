"""Cold starts as a waterfall: `python -m bench.waterfall starts.json --out waterfall.png` draws what a file tells.

The file is a JSON list, one entry a start; times are milliseconds on any one clock, and a milestone that was not
reached or not seen is left out:

    [{"name": "old", "milestones": {"asked": 0, "kernel": 9100, "unit": 21400, "first_result": 48000}}, …]

Entries of one name are runs of the same thing: they share a panel, whose bars are medians and whose whiskers reach
from the fastest to the slowest run. Milestones of our own are hung where they belong (`jobs.milestones`); one of any
other name begins where the latest one before it was reached.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jobs.milestones import CAUSES

BAR_INCHES, PANEL_INCHES, WIDTH_INCHES = 0.3, 0.9, 9.0
COLOURS = ("#30638e", "#d1495b", "#2e7d5b", "#b8860b", "#6b4e9b")

Milestones = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """How long after its cause a milestone came. Seconds since the start's first milestone; medians over the runs.

    `least` and `most` are when the fastest and the slowest run reached it; `after` names the cause, empty for none.
    """

    name: str
    after: str
    begins: float
    ends: float
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The starts of one name."""

    name: str
    runs: int
    bars: tuple[Bar, ...]


def panels(starts: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """The file's entries by name, in the order in which the names come. Raises ValueError when one tells nothing."""
    named: dict[str, list[dict[str, float]]] = {}
    for start in starts:
        named.setdefault(str(start["name"]), []).append(_seconds(start["milestones"]))
    return [Panel(name=name, runs=len(runs), bars=bars(runs)) for name, runs in named.items()]


def bars(runs: Sequence[Milestones]) -> tuple[Bar, ...]:
    """One bar a milestone, in the order in which they are usually reached. `runs` in seconds from each one's first."""
    middle = {name: median(run[name] for run in runs if name in run) for name in {name for run in runs for name in run}}
    order = sorted(middle, key=lambda name: (middle[name], name))
    found = []
    for name in order[1:]:
        after = _cause(name, middle, order)
        reached = [run[name] for run in runs if name in run]
        found.append(
            Bar(name=name, after=after, begins=middle[after], ends=middle[name], least=min(reached), most=max(reached))
        )
    return tuple(found)


def table(shown: Sequence[Panel]) -> str:
    """The same in words: seconds since the first milestone, and how long each took after its cause."""
    lines = []
    for panel in shown:
        lines.append(f"{panel.name}, {panel.runs} run{'s' * (panel.runs > 1)}: seconds")
        lines.append(f"  {'milestone':18} {'reached':>8} {'fastest':>8} {'slowest':>8} {'took':>8}  after")
        for bar in panel.bars:
            figures = "".join(f"{figure:9.2f}" for figure in (bar.ends, bar.least, bar.most, bar.ends - bar.begins))
            lines.append(f"  {bar.name:18}{figures}  {bar.after}")
    return "\n".join(lines)


def draw(shown: Sequence[Panel], out: Path, *, title: str = "") -> None:
    """Write the picture; the suffix of `out` says which kind (png, svg). All panels share one axis of seconds."""
    import matplotlib as mpl  # noqa: PLC0415 — half a second that only a picture needs

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    mpl.rcParams["svg.hashsalt"] = "firstlight"
    heights = [max(1, len(panel.bars)) * BAR_INCHES + PANEL_INCHES for panel in shown]
    figure, axes = plt.subplots(
        len(shown),
        1,
        sharex=True,
        squeeze=False,
        figsize=(WIDTH_INCHES, sum(heights) + 0.4),
        height_ratios=heights,
        layout="constrained",
    )
    last = max((bar.most for panel in shown for bar in panel.bars), default=1.0)
    for number, (panel, (axis,)) in enumerate(zip(shown, axes, strict=True)):
        for row, bar in enumerate(panel.bars):
            colour = COLOURS[number % len(COLOURS)]
            axis.barh(row, bar.ends - bar.begins, left=bar.begins, height=0.62, color=colour, alpha=0.85)
            if bar.most > bar.least:
                axis.plot([bar.least, bar.most], [row, row], color="black", linewidth=1, marker="|", markersize=6)
            words = f"{bar.name.replace('_', ' ')}  {bar.ends - bar.begins:.2f} s"
            # On the side where there is room: a label never leaves the picture, and covers no bar.
            if max(bar.ends, bar.most) < 0.72 * last:
                axis.text(max(bar.ends, bar.most) + 0.01 * last, row, words, va="center", ha="left", fontsize=9)
            else:
                axis.text(min(bar.begins, bar.least) - 0.01 * last, row, words, va="center", ha="right", fontsize=9)
        runs = f", median of {panel.runs} runs" if panel.runs > 1 else ""
        ends = f"{panel.bars[-1].ends:.2f} s" if panel.bars else "nothing reached"
        axis.set_title(f"{panel.name}: {ends}{runs}", loc="left", fontsize=10)
        axis.set(yticks=[], ylim=(max(1, len(panel.bars)) - 0.4, -0.6), xlim=(0, last * 1.02))
        axis.grid(visible=True, axis="x", alpha=0.3)
        for side in ("left", "right", "top"):
            axis.spines[side].set_visible(False)
    axes[-1][0].set_xlabel("seconds since the first milestone")
    if title:
        figure.suptitle(title, fontsize=11)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=120, metadata={"Date": None} if out.suffix == ".svg" else None)
    plt.close(figure)


def _seconds(milestones: Milestones) -> dict[str, float]:
    if not milestones:
        raise ValueError("a start without a milestone tells nothing")
    first = min(milestones.values())
    return {name: (at_ms - first) / 1000 for name, at_ms in milestones.items()}


def _cause(name: str, reached: Milestones, order: Sequence[str]) -> str:
    """The milestone that this one waited for: the latest of its known causes, or else of all that came before it."""
    before = order[: order.index(name)]
    causes = [each for each in CAUSES.get(name, ()) if each in before]
    return max(causes or before, key=lambda each: reached[each])


def main() -> None:
    """Print the table and draw the picture of a file."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("starts", type=Path, help="the JSON file")
    arguments.add_argument("--out", type=Path, required=True, help="the picture: .png or .svg")
    arguments.add_argument("--title", default="")
    chosen = arguments.parse_args()
    shown = panels(json.loads(chosen.starts.read_text()))
    print(table(shown))
    draw(shown, chosen.out, title=chosen.title)
    print(chosen.out)


if __name__ == "__main__":
    main()
