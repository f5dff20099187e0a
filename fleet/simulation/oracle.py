"""What it must cost at least: a policy that knows the future, and starts each machine so that it is ready in time.

Nobody ever waits for a machine, only for those before him where MAX_MACHINES machines are not enough. Machines are
reused last in, first out: a gap costs the less of keeping and of starting anew, which is concave, so nested gaps cost
least. For each machine the gaps between its photos are known, and it is ended in those where a new start is cheaper
(the optimum of ski rental). It never pays more than the price of spot.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from fleet.instance_types import Flavour
from fleet.simulation.figures import Figures
from fleet.simulation.outcome import Life, Outcome
from fleet.simulation.visits import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A photo's work, seconds; the machine must be there from its acceptance on."""

    accepted_s: float
    begin_s: float
    end_s: float


def machines(visits: Sequence[Visit], *, most: int) -> list[list[Span]]:
    """What each of at most `most` machines works on, by time, were every machine always ready when it is needed.

    Photos are served in the order of their acceptance, and visitors send the next one some time after a result.
    """
    made: list[list[Span]] = []
    coming: list[tuple[float, int, int]] = []
    for number, visit in enumerate(visits):
        first_s = visit.view_ms / 1000 + visit.think_s
        coming += [
            (first_s + sum(visit.transfer_s[: photo + 1]), number, photo)
            for photo in range(visit.photos if visit.together else min(1, visit.photos))
        ]
    heapq.heapify(coming)
    while coming:
        at_s, number, photo = heapq.heappop(coming)
        visit = visits[number]
        free = [each for each in made if each[-1].end_s <= at_s]
        if free:
            machine = max(free, key=lambda each: each[-1].end_s)
        elif len(made) < most:
            made.append(machine := [])
        else:
            machine = min(made, key=lambda each: each[-1].end_s)
        begin_s = max(at_s, machine[-1].end_s) if machine else at_s
        end_s = begin_s + visit.work_s[photo]
        machine.append(Span(accepted_s=at_s, begin_s=begin_s, end_s=end_s))
        if not visit.together and photo + 1 < visit.photos:
            next_s = max(visit.between_s[photo], visit.transfer_s[photo + 1])
            heapq.heappush(coming, (end_s + next_s, number, photo + 1))
    return made


def lives(work: Sequence[Span], *, boots_s: Sequence[float], end_s: float, least_s: float) -> list[tuple[int, int]]:
    """The cheapest lives of one machine for this work: each serves `work[first:done]`, as a pair (first, done).

    `boots_s` is how long one starts that begins with this photo.

    By dynamic programming over the last life of the first so many photos. A gap that costs more than any start ends it.
    """
    never_s = max(boots_s, default=0.0) + end_s + least_s
    cost: list[float] = [0.0]
    begins: list[int] = []
    for done, last in enumerate(work, start=1):
        choices = []
        for first in range(done - 1, -1, -1):
            if first + 1 < done and work[first + 1].begin_s - work[first].end_s > never_s:
                break
            lived_s = boots_s[first] + last.end_s + end_s - work[first].begin_s
            choices.append((cost[first] + max(least_s, lived_s), first))
        least, begin = min(choices)
        cost.append(least)
        begins.append(begin)
    found: list[tuple[int, int]] = []
    done = len(work)
    while done:
        found.append((begins[done - 1], done))
        done = begins[done - 1]
    return found[::-1]


def foretold(visits: Sequence[Visit], figures: Figures, flavour: Flavour, *, most: int, seed: str) -> Outcome:
    """What the oracle pays, all of it on spot, and how long its visitors wait."""
    chance = Random(f"{seed}/oracle")
    usd_per_hour = figures.spot_hour(flavour) + figures.address_hour + figures.disk_hour
    working = machines(visits, most=most)

    def life(work: Sequence[Span], boot_s: float) -> Life:
        first_ms, last_ms = round(work[0].begin_s * 1000), round(work[-1].end_s * 1000)
        return Life(
            launched_ms=first_ms - round(boot_s * 1000),
            ready_ms=first_ms,
            first_ms=first_ms,
            last_ms=last_ms,
            left_ms=last_ms,
            ended_ms=last_ms + round(figures.end_s * 1000),
            worked_s=sum(span.end_s - span.begin_s for span in work),
            market="spot",
            usd_per_hour=usd_per_hour,
            least_s=figures.least_billed_s,
        )

    lived = []
    for work in working:
        boots_s = [sum(figures.boot(flavour, chance)) for _ in work]
        cuts = lives(work, boots_s=boots_s, end_s=figures.end_s, least_s=figures.least_billed_s)
        lived += [life(work[first:done], boots_s[first]) for first, done in cuts]
    waits_s = [span.end_s - span.accepted_s + figures.store_s for machine in working for span in machine]
    return Outcome(lives=tuple(sorted(lived, key=lambda life: life.launched_ms)), waits_s=tuple(waits_s))
