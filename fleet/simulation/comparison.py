"""Many cases at once, side by side: what each policy cost and how long people waited, with the spread over seeds."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from statistics import mean

from fleet.simulation.figures import Figures
from fleet.simulation.outcome import Outcome
from fleet.simulation.scenarios import OLD, ON_UPLOAD, ORACLE, OURS, Case, simulate
from fleet.simulation.spending import PURPOSES, Spending, spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is told of one case. Seconds end in `_s`; shares are of machine time, 0…1."""

    place: str
    policy: str
    seed: int
    photos: int
    usd_per_1000: float
    machine_hours: float
    wait_p50_s: float
    wait_p90_s: float
    wait_p99_s: float
    launches: int
    spot_share: float
    on_demand_share: float
    failed: int
    unfinished: int
    spending: Spending  # dollars per 1,000 photos

    @classmethod
    def of(cls, case: Case, outcome: Outcome) -> Row:
        return cls(
            place=case.place.name,
            policy=case.contestant.name,
            seed=case.seed,
            photos=outcome.photos,
            usd_per_1000=outcome.usd_a_thousand,
            machine_hours=outcome.machine_hours,
            wait_p50_s=outcome.wait_s(0.5),
            wait_p90_s=outcome.wait_s(0.9),
            wait_p99_s=outcome.wait_s(0.99),
            launches=len(outcome.lives),
            spot_share=outcome.spot_share,
            on_demand_share=1 - outcome.spot_share,
            failed=outcome.failed,
            unfinished=outcome.unfinished,
            spending=spent(outcome.lives).over(max(1, len(outcome.waits_s)) / 1000),
        )


def all_of(cases: Sequence[Case], *, processes: int, told: Callable[[], object]) -> list[Outcome]:
    """The outcomes in the order of the cases; `told` is called as each is done. Long ones begin first."""
    if processes <= 1:
        return [_told(case, told) for case in cases]
    outcomes: dict[int, Outcome] = {}
    order = sorted(range(len(cases)), key=lambda number: -cases[number].place.crowd.photos)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=hush) as pool:
        waiting = {pool.submit(simulate, cases[number]): number for number in order}
        for done in as_completed(waiting):
            outcomes[waiting[done]] = done.result()
            told()
    return [outcomes[number] for number in range(len(cases))]


def hush() -> None:
    """The launcher's log is of no use here: nobody operates this cloud."""
    logging.getLogger("fleet").setLevel(logging.CRITICAL)
    logging.getLogger("jobs").setLevel(logging.CRITICAL)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """What must be shown of ours: means over the seeds, with the least and the most."""

    to_old_usd: tuple[float, float, float]
    to_oracle_usd: tuple[float, float, float]
    to_on_upload_p90: tuple[float, float, float]

    @property
    def lines(self) -> list[str]:
        return [
            _ratio("cost, of the old system's", self.to_old_usd, goal=0.3),
            _ratio("cost, of the oracle's", self.to_oracle_usd, goal=1.3),
            _ratio("wait p90, of launch on upload's", self.to_on_upload_p90, goal=0.6),
        ]


def ratios(outcomes: dict[tuple[str, int], Outcome], *, ours: str = OURS) -> Ratios:
    """From the outcomes by policy and seed."""
    seeds = sorted({seed for _, seed in outcomes})

    def over(name: str, figure: Callable[[Outcome], float]) -> tuple[float, float, float]:
        found = [figure(outcomes[ours, seed]) / figure(outcomes[name, seed]) for seed in seeds]
        return mean(found), min(found), max(found)

    return Ratios(
        to_old_usd=over(OLD, lambda outcome: outcome.usd_a_thousand),
        to_oracle_usd=over(ORACLE, lambda outcome: outcome.usd_a_thousand),
        to_on_upload_p90=over(ON_UPLOAD, lambda outcome: outcome.wait_s(0.9)),
    )


def repriced(outcome: Outcome, figures: Figures, case: Case, *, spot: float) -> Outcome:
    """The same machines with another price of spot: no decision depends on what AWS asks."""
    more = figures.spot_hour(case.place.flavour) * (spot - 1)
    lives = (
        replace(life, usd_per_hour=life.usd_per_hour + more) if life.market == "spot" else life
        for life in outcome.lives
    )
    return replace(outcome, lives=tuple(lives))


def table(rows: Sequence[Row]) -> Iterator[str]:
    """In Markdown, a table for each place: means over the seeds."""
    for place in dict.fromkeys(row.place for row in rows):
        here = [row for row in rows if row.place == place]
        seeds = len({row.seed for row in here})
        yield f"{place} ({here[0].photos:,} photos; mean of {seeds} seed{'s' * (seeds > 1)}, (least–most) over them):"
        yield ""
        yield "| policy | $ per 1,000 | machine hours | wait p50 s | p90 s | p99 s | launches | on demand % | failed |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for policy in dict.fromkeys(row.policy for row in here):
            yield _line(policy, [row for row in here if row.policy == policy])
        yield ""
        yield "Where its machines' dollars per 1,000 photos go:"
        yield ""
        yield from _purposes(here)
        yield ""


def _line(policy: str, rows: Sequence[Row]) -> str:
    cost = [row.usd_per_1000 for row in rows]
    spread = f" ({min(cost):.2f}–{max(cost):.2f})" if len(rows) > 1 else ""
    cells = [
        f"{mean(cost):.2f}{spread}",
        f"{mean(row.machine_hours for row in rows):.1f}",
        f"{mean(row.wait_p50_s for row in rows):.1f}",
        f"{mean(row.wait_p90_s for row in rows):.1f}",
        f"{mean(row.wait_p99_s for row in rows):.1f}",
        f"{mean(row.launches for row in rows):.0f}",
        f"{100 * mean(row.on_demand_share for row in rows):.0f}",
        f"{mean(row.failed + row.unfinished for row in rows):.0f}",
    ]
    return f"| {policy} | {' | '.join(cells)} |"


def _purposes(rows: Sequence[Row]) -> Iterator[str]:
    yield "| policy | " + " | ".join(PURPOSES.values()) + " |"
    yield "|---" * (len(PURPOSES) + 1) + "|"
    for policy in dict.fromkeys(row.policy for row in rows):
        mine = [row.spending for row in rows if row.policy == policy]
        cells = [f"{mean(getattr(each, purpose) for each in mine):.2f}" for purpose in PURPOSES]
        yield f"| {policy} | {' | '.join(cells)} |"


def _ratio(name: str, figures: tuple[float, float, float], *, goal: float) -> str:
    middle, least, most = figures
    verdict = "met" if middle <= goal else "missed"
    return f"{name}: {middle:.2f} ({least:.2f}–{most:.2f}), goal {goal}: {verdict}"


def _told(case: Case, told: Callable[[], object]) -> Outcome:
    outcome = simulate(case)
    told()
    return outcome
