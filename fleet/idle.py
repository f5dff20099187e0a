"""How long a machine should stay idle: the time that would have cost least, had we known when the photos come; pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from itertools import accumulate

from jobs.heartbeat import Heartbeat
from jobs.patience import Patience, least_s
from jobs.settings import Settings

KEPT = 128  # spells: some twenty visits' worth
ENOUGH = 4  # spells, before we believe in a habit
APART_MS = 5_000  # a shorter spell is bridged whatever we do
SLACK = 1.2  # a habit is not a clock: wait a little longer than the spell that is to be bridged
BRIDGED_S = 8.0  # what somebody waits for a photo while the bridge stands in for a machine
WAIT_WEIGHT = 3.0  # a second of somebody's waiting for a cold start is worth so many seconds of an idle machine


def idle_s(
    gaps_s: Iterable[float],
    *,
    least_s: float,
    usual_s: float,
    most_s: float,
    start_s: float,
    wait_s: float | None = None,
    left_s: Iterable[float] = (),
) -> float:
    """Between `least_s` and `most_s`; `usual_s` until there is a habit. `start_s` is what a cold start takes, and
    `wait_s` how much of it somebody waits: all of it, unless something bridges it.

    `left_s` are the times after which visitors said that they leave: until then a machine stayed for them in vain.

    Staying T seconds costs min(gap, T) of idle machine for each gap, and a cold start, its machine time and somebody's
    waiting, for each gap longer than T. Only gaps themselves can be the best T; a shorter one wins a draw. Keeping a
    machine for a gap that costs more than the start it saves is never worth it, so no habit stretches T beyond that.
    """
    gaps, lefts = sorted(gaps_s), sorted(left_s)
    most_s = max(usual_s, most_s)
    if len(gaps) < ENOUGH or most_s <= least_s:
        return usual_s

    waited_s = start_s if wait_s is None else wait_s

    within_s = list(accumulate(gaps, initial=0.0))
    vain_s = list(accumulate(lefts, initial=0.0))

    def cost(stay_s: float) -> float:
        bridged, left = bisect_right(gaps, stay_s), bisect_right(lefts, stay_s)
        longer = len(gaps) - bridged
        stayed_s = within_s[bridged] + vain_s[left] + stay_s * (longer + len(lefts) - left)
        return stayed_s + longer * (start_s + WAIT_WEIGHT * waited_s)

    stays = [least_s, *(gap * SLACK for gap in gaps if least_s < gap * SLACK <= most_s)]
    return min(sorted(stays), key=cost)


def noticed(patience: Patience, signs: Iterable[Heartbeat], *, now: int) -> Patience:
    """The history with what these signs of life tell; the same one when there is no news.

    A spell in which the visitor left counts apart: it tells nothing of how long those who stay look at a picture, but
    what a leave is worth, also where visitors come back.

    A spell ends when a photo is accepted, not when a machine takes it in hand: else each wait for a machine would
    lengthen the spell that a shorter stay than this had cut, and the stay would never grow again.
    """
    quiet_s, deserted_s = list(patience.quiet_s), list(patience.deserted_s)
    accepted_ms, rested_ms = patience.accepted_ms, patience.rested_ms
    for sign in sorted(signs, key=lambda sign: sign.last_job_ms):
        if not 0 < sign.last_job_ms <= now:
            continue
        if sign.rested_ms <= sign.last_job_ms:
            rested_ms = max(rested_ms, sign.rested_ms)
        quiet_since_ms = max(accepted_ms, rested_ms)
        if accepted_ms and sign.last_job_ms - quiet_since_ms > APART_MS:
            whole_s = (sign.last_job_ms - quiet_since_ms) / 1000
            if accepted_ms == patience.deserted_ms:
                until_s = max(0, patience.left_ms - quiet_since_ms) / 1000
                deserted_s.append((min(until_s, whole_s), whole_s))
            else:
                quiet_s.append(whole_s)
        accepted_ms = max(accepted_ms, sign.last_job_ms)
        rested_ms = max(rested_ms, min(sign.rested_ms, now))
    news = replace(
        patience,
        quiet_s=tuple(quiet_s[-KEPT:]),
        deserted_s=tuple(deserted_s[-KEPT:]),
        accepted_ms=accepted_ms,
        rested_ms=rested_ms,
    )
    return patience if news == patience else news


def advised(patience: Patience, settings: Settings, *, start_s: float) -> Patience:
    """The history with the two stays that follow from it; `start_s` is what a cold start takes."""
    stay_s = partial(
        idle_s,
        least_s=least_s(settings),
        most_s=settings.idle_most_s,
        start_s=start_s,
        wait_s=min(start_s, BRIDGED_S) if settings.bridge else None,
    )
    return replace(
        patience,
        idle_s=stay_s(
            patience.quiet_s, usual_s=settings.idle_s, left_s=[until_s for until_s, _ in patience.deserted_s]
        ),
        deserted_idle_s=stay_s([whole_s for _, whole_s in patience.deserted_s], usual_s=least_s(settings)),
    )
