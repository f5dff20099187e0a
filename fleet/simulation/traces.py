"""Recorded spot capacity and arrivals, read from a folder, or else what we carried over from them.

    DIR/spot/KIND-…-ZONE.json  {"metadata": {"gap_seconds": S}, "data": [machines to be had, …]}
    DIR/arrivals/*.csv         a request each, with columns gmt_create and groupId

The first are those of github.com/skypilot-org/spot-traces (v100, 2023-02; intel, 2023-04), the second those of
Alibaba's cluster-trace-v2026-GenAI (image generation, 2024-11). Neither is part of this project.

Each recording is cut in the middle of its time: policies are tuned on the first half and reported on the second.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Literal

from fleet.instance_types import Flavour
from fleet.simulation.visits import Profile
from jobs.errors import FirstlightError

Half = Literal["tuning", "reporting"]
KINDS: dict[Flavour, str] = {"gpu": "v100", "cpu": "intel"}
SESSION_S = 600.0  # a group's requests further apart than this are two visits
BIN_S = 600.0


class TraceUnreadable(FirstlightError):
    """A folder of traces without what we look for, named with what it must hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Whether a zone has spot machines: spans of `step_s`, which repeat for ever."""

    zone: str
    step_s: float
    there: tuple[bool, ...]

    def changes(self, *, span_s: float, shift_s: float = 0.0) -> list[tuple[float, bool]]:
        """Seconds and what holds from then on, the first at 0. `shift_s` is where in the recording to begin."""
        first = int(shift_s / self.step_s)
        steps = int(span_s / self.step_s) + 1
        each = ((step, self.there[(first + step) % len(self.there)]) for step in range(steps))
        return [(next(run)[0] * self.step_s, there) for there, run in groupby(each, key=lambda one: one[1])]

    @property
    def share(self) -> float:
        return sum(self.there) / len(self.there)


def recorded_capacity(folder: Path, flavour: Flavour, half: Half) -> list[Capacity]:
    """Raises TraceUnreadable."""
    found = sorted((folder / "spot").glob(f"{KINDS[flavour]}-*.json"))
    if not found:
        raise TraceUnreadable(
            f"{folder}/spot has no {KINDS[flavour]}-*.json: give the folder of skypilot's spot-traces"
        )
    return [_capacity(path, half) for path in found]


def recorded_profile(folder: Path, half: Half) -> Profile:
    """Visits, ten minutes by ten minutes. Raises TraceUnreadable."""
    sessions = _sessions(folder)
    begin, end = sessions[0], sessions[-1]
    middle = (begin + end) / 2
    least, most = (begin, middle) if half == "tuning" else (middle, end)
    weights = [0] * int((most - least) / BIN_S + 1)
    for at_s in sessions:
        if least <= at_s < most:
            weights[int((at_s - least) / BIN_S)] += 1
    return Profile(bin_s=BIN_S, weights=tuple(map(float, weights)))


def carried_capacity(flavour: Flavour, *, days: float, chance: Random) -> list[Capacity]:
    """Capacity that comes and goes as often as in the tuning half of the recordings, drawn anew."""
    return [_drawn(zone, up_s, down_s, days=days, chance=chance) for zone, up_s, down_s in CARRIED[flavour]]


# Zone, mean seconds with and without capacity: from the tuning halves (`python -m fleet.simulation.traces DIR`).
CARRIED: dict[Flavour, tuple[tuple[str, float, float], ...]] = {
    "gpu": (
        ("us-east-1a", 2443, 19422),
        ("us-east-1c", 3721, 7531),
        ("us-east-2a", 22551, 9149),
        ("us-west-2a", 18122, 3514),
        ("us-west-2c", 16228, 3461),
    ),
    "cpu": (("us-east-1b", 5747, 925), ("us-east-1c", 2324, 2160)),
}
# Visits begun in each hour of the day, UTC, in the tuning half of the recorded arrivals.
CARRIED_PROFILE = Profile(
    bin_s=3600.0,
    weights=(96, 18, 25, 23, 6, 6, 3, 1, 1, 2, 0, 0, 0, 0, 0, 2, 27, 58, 57, 7, 34, 97, 88, 84),
)


def _capacity(path: Path, half: Half) -> Capacity:
    try:
        doc = json.loads(path.read_text())
        step_s, there = float(doc["metadata"]["gap_seconds"]), tuple(bool(each) for each in doc["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise TraceUnreadable(f"{path} is no spot trace: metadata.gap_seconds and data are needed") from error
    middle = len(there) // 2
    zone = "-".join(path.stem.split("-")[-3:])
    return Capacity(zone=zone, step_s=step_s, there=there[:middle] if half == "tuning" else there[middle:])


def _sessions(folder: Path) -> list[float]:
    """When each visit began, seconds since 1970."""
    last: dict[str, float] = {}
    began: list[float] = []
    for path in sorted((folder / "arrivals").glob("*.csv")):
        with path.open(newline="") as file:
            try:
                rows = sorted(
                    (datetime.fromisoformat(row["gmt_create"] + "+00:00").timestamp(), row["groupId"])
                    for row in csv.DictReader(file)
                )
            except (ValueError, KeyError) as error:
                raise TraceUnreadable(f"{path} is no trace of arrivals: gmt_create and groupId are needed") from error
        for at_s, group in rows:
            if at_s - last.get(group, -SESSION_S - 1) > SESSION_S:
                began.append(at_s)
            last[group] = at_s
    if len(began) < 2:
        raise TraceUnreadable(f"{folder}/arrivals has no recorded requests: give the folder of Alibaba's trace")
    return sorted(began)


def _drawn(zone: str, up_s: float, down_s: float, *, days: float, chance: Random) -> Capacity:
    step_s = 60.0
    there: list[bool] = []
    is_there = chance.random() < up_s / (up_s + down_s)
    while len(there) * step_s < days * 86_400:
        run_s = chance.expovariate(1 / (up_s if is_there else down_s))
        there += [is_there] * max(1, round(run_s / step_s))
        is_there = not is_there
    return Capacity(zone=zone, step_s=step_s, there=tuple(there))


def carried_over(folder: Path) -> list[str]:
    """The lines of CARRIED and CARRIED_PROFILE, from the tuning halves."""
    lines = []
    for flavour in KINDS:
        for each in recorded_capacity(folder, flavour, "tuning"):
            runs = [(there, sum(1 for _ in run) * each.step_s) for there, run in groupby(each.there)]
            up_s, down_s = (_mean([length for there, length in runs if there is wanted]) for wanted in (True, False))
            lines.append(f"{flavour}: ({each.zone!r}, {up_s:.0f}, {down_s:.0f})")
    profile = recorded_profile(folder, "tuning")
    hours = [0.0] * 24
    begin = _sessions(folder)[0]
    for number, weight in enumerate(profile.weights):
        hours[int((begin + number * BIN_S) / 3600) % 24] += weight
    return [*lines, f"hours: {tuple(hours)}"]


def _mean(lengths: Sequence[float]) -> float:
    return sum(lengths) / max(1, len(lengths))
