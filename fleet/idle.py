"""How long a machine should stay idle: the time that would have cost least, had we known when the photos come; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from jobs.patience import Patience

KEPT = 33  # arrivals, so 32 gaps
ENOUGH = 4  # gaps, before we believe in a habit
APART_MS = 5_000  # arrivals closer than this are one visit's
SLACK = 1.2  # a habit is not a clock: wait a little longer than the gap that is to be bridged
WAIT_WEIGHT = 3.0  # a second of somebody's waiting for a cold start is worth so many seconds of an idle machine


def idle_s(gaps_s: Iterable[float], *, least_s: float, most_s: float, start_s: float) -> float:
    """Between `least_s` and `most_s`. `start_s` is what a cold start takes.

    Staying T seconds costs min(gap, T) of idle machine for each gap, and a cold start, its machine time and somebody's
    waiting, for each gap longer than T. Only gaps themselves can be the best T; a shorter one wins a draw. Keeping a
    machine for a gap that costs more than the start it saves is never worth it, so no habit stretches T beyond that.
    """
    gaps = list(gaps_s)
    if len(gaps) < ENOUGH or most_s <= least_s:
        return least_s

    def cost(stay_s: float) -> float:
        idle = sum(min(gap, stay_s) for gap in gaps)
        return idle + (1 + WAIT_WEIGHT) * start_s * sum(gap > stay_s for gap in gaps)

    stays = [least_s, *(gap * SLACK for gap in gaps if least_s < gap * SLACK <= most_s)]
    return min(sorted(stays), key=cost)


def noticed(patience: Patience, seen_ms: Iterable[int], *, now: int) -> Patience:
    """The history with these arrivals; the same one when there is no news."""
    known = [each for each in patience.arrivals_ms if each <= now]
    for at_ms in sorted(each for each in seen_ms if each <= now):
        if not known or at_ms - known[-1] > APART_MS:
            known.append(at_ms)
    kept = tuple(known[-KEPT:])
    return patience if kept == patience.arrivals_ms else replace(patience, arrivals_ms=kept)


def gaps_s(patience: Patience) -> list[float]:
    return [(after - before) / 1000 for before, after in pairwise(patience.arrivals_ms)]
