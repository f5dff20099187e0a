"""Machine time is paid for ahead, exactly once, and what was not used is given back."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fleet.meter import MARGIN_MS, PERIOD_MS, due_ms, micro_dollars, paid_ms, unused_ms
from fleet.policy import Launch, Policy, charges, decide, dollars
from fleet.purse import Purse
from fleet.view import View
from jobs.ports import Ports
from jobs.settings import Settings
from tests.fleet.views import NOW, SLOTS, machine, sign, slots

POLICY = Policy.of(Settings(fleet="ec2:lamp", dollar_budget=5.0, max_machines=2))


@given(st.lists(st.integers(1000, 2 * PERIOD_MS), min_size=1, max_size=50))
def test_whenever_somebody_looks_all_time_until_then_is_paid_once(steps: list[int]) -> None:
    started = now = NOW
    paid_until = started + PERIOD_MS
    paid = PERIOD_MS
    for step in steps:
        now += step
        if due := due_ms(paid_until, now=now):
            paid += due
            paid_until = now + PERIOD_MS + MARGIN_MS
        assert paid == paid_until - started
        assert paid_until - now > MARGIN_MS or step > PERIOD_MS
    assert paid - unused_ms(paid_until, now=now) == now - started


@given(waits=st.integers(0, 60_000), late=st.integers(0, 2 * PERIOD_MS))
def test_when_the_last_payment_was_made_follows_from_the_row(waits: int, late: int) -> None:
    paid_until = NOW + PERIOD_MS
    assert paid_ms(paid_until, launched_ms=NOW) == NOW
    assert paid_ms(paid_until, launched_ms=NOW + waits) == NOW  # the epoch was tried again
    metered = NOW + PERIOD_MS - MARGIN_MS + late
    assert due_ms(paid_until, now=metered)
    assert paid_ms(metered + PERIOD_MS + MARGIN_MS, launched_ms=NOW) == metered


def test_time_that_a_broken_clock_has_paid_for_is_paid_for_again() -> None:
    assert due_ms(NOW + PERIOD_MS + MARGIN_MS, now=NOW) == 0
    assert due_ms(NOW + 10**12, now=NOW) == PERIOD_MS


def test_a_dollar_is_a_million() -> None:
    assert micro_dollars(0.526, 3_600_000) == 526_000
    assert micro_dollars(0.526, 1) == 1
    assert micro_dollars(0.0, 3_600_000) == 0


def test_a_launch_pays_its_first_minutes_at_the_dearest_price() -> None:
    launch = Launch(slot=SLOTS[0], reason="upload", warm=False)
    (costs,) = [cost for cost in charges(launch, POLICY, NOW) if cost.counter.startswith("dollars/")]
    assert costs.limit == 5_000_000
    assert costs.amount == micro_dollars(POLICY.launch_usd, PERIOD_MS)
    free = Policy.of(Settings(dollar_budget=5.0))
    assert not [cost for cost in charges(launch, free, NOW) if cost.counter.startswith("dollars/")]


def test_a_purse_pays_all_or_nothing_and_forgets_a_day_that_is_over(ports: Ports) -> None:
    purse, now = Purse(ports.table), NOW
    cheap, dear = (dollars(usd, 3_600_000, POLICY, now) for usd in (3.0, 2.5))
    assert purse.covers([cheap], now)
    assert not purse.pay([cheap, dear], now)
    assert purse.covers([dear], now)
    assert purse.pay([cheap], now)
    assert not purse.covers([dear], now)
    purse.refund([cheap], now)
    assert purse.pay([dear], now)
    tomorrow = now + 86_400_000
    purse.refund([dear], tomorrow)
    assert purse.covers([dollars(5.0, 3_600_000, POLICY, tomorrow)], tomorrow)


def test_a_machine_of_an_older_epoch_than_its_slot_ends_at_once() -> None:
    view = View(
        slots=(replace(slots()[0], epoch=2), SLOTS[1]),
        machines=(machine(0, 1), machine(0, 2)),
        heartbeats=(sign(0, 1), sign(0, 2)),
    )
    (stop,) = decide(view, POLICY, NOW, reason="tick")
    assert (stop.machine.epoch, stop.why, stop.kill) == (1, "superseded", True)
    assert view.machine_in(0) == machine(0, 2)
