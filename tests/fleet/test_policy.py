"""The policy, by example and by property."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from fleet.instance_types import DEAREST_USD
from fleet.machines import Machine
from fleet.policy import Action, Launch, Policy, Stop, charges, decide, wanted
from fleet.slots import LAUNCH_GRACE_MS, Slot
from fleet.view import View
from jobs.heartbeat import Heartbeat
from jobs.settings import Settings
from tests.fleet.views import NOW, SLOTS, WORK_S, machine, sign, slots

POLICY = Policy.of(Settings(max_machines=2))


def launches(actions: list[Action]) -> list[int]:
    return [action.slot.number for action in actions if isinstance(action, Launch)]


def stops(actions: list[Action]) -> list[tuple[str, bool]]:
    return [(action.why, action.kill) for action in actions if isinstance(action, Stop)]


def test_nothing_waits_and_nothing_starts() -> None:
    assert decide(View(slots=SLOTS), POLICY, NOW, reason="tick") == []


@pytest.mark.parametrize("reason", ["upload", "view", "pick"])
def test_who_announces_work_starts_one_machine_as_a_warm_launch(reason) -> None:
    (action,) = decide(View(slots=SLOTS), POLICY, NOW, reason=reason)
    assert action == Launch(slot=SLOTS[0], reason=reason, warm=True)


@pytest.mark.parametrize("reason", ["upload", "view", "pick", "tick"])
def test_a_waiting_job_starts_a_machine_that_no_warm_budget_pays(reason) -> None:
    (action,) = decide(View(slots=SLOTS, waiting=1), POLICY, NOW, reason=reason)
    assert action == Launch(slot=SLOTS[0], reason=reason, warm=False)


def test_a_running_job_whose_machine_vanished_starts_another() -> None:
    assert launches(decide(View(slots=SLOTS, running=1), POLICY, NOW, reason="tick")) == [0]


def test_a_machine_that_is_up_or_coming_is_enough() -> None:
    up = View(slots=slots(), machines=(machine(),), waiting=1)
    coming = View(slots=(replace(SLOTS[0], epoch=1, outcome="launching", launched_ms=NOW - 500), SLOTS[1]), waiting=1)
    for view in (up, replace(up, heartbeats=(sign(),)), replace(up, heartbeats=(sign(state="loading"),)), coming):
        assert decide(view, POLICY, NOW, reason="upload") == []


def test_a_launcher_that_died_before_the_launch_is_followed_by_another() -> None:
    dead = replace(SLOTS[0], epoch=1, outcome="launching", launched_ms=NOW - LAUNCH_GRACE_MS - 1)
    assert launches(decide(View(slots=(dead,), waiting=1), POLICY, NOW, reason="tick")) == [0]


def test_somebody_elses_live_worker_counts() -> None:
    theirs = sign(slot=-1, epoch=0)
    assert decide(View(slots=SLOTS, heartbeats=(theirs,), waiting=1), POLICY, NOW, reason="tick") == []
    gone = replace(theirs, beat_ms=NOW - 60_000)
    assert launches(decide(View(slots=SLOTS, heartbeats=(gone,), waiting=1), POLICY, NOW, reason="tick")) == [0]


def test_a_machine_that_ends_holds_its_slot_and_another_slot_is_used() -> None:
    view = View(slots=slots(), machines=(machine(),), heartbeats=(sign(state="draining"),), waiting=1)
    assert launches(decide(view, POLICY, NOW, reason="upload")) == [1]
    assert decide(view, replace(POLICY, max_machines=1), NOW, reason="upload") == []


def test_the_backlog_decides_how_many() -> None:
    view = View(slots=SLOTS, usual=WORK_S)  # 0.2 s and 12 MP × 2.2 s: 26.6 s a photo; a minute is the target
    policy = replace(POLICY, max_machines=10)
    assert [wanted(replace(view, waiting=count), policy, reason="tick") for count in (1, 2, 3, 5, 100)] == [
        1,
        1,
        2,
        3,
        10,
    ]
    assert wanted(replace(view, waiting=100, usual={}), policy, reason="tick") == 1
    assert wanted(replace(view, waiting=1), replace(policy, target_wait_s=0.0), reason="tick") == 10


@pytest.mark.parametrize(
    ("signs", "age_s", "expected"),
    [
        ((sign(),), 60, []),
        ((sign(state="busy", beat_ms=NOW - 24_000),), 60, []),
        ((sign(beat_ms=NOW - 26_000),), 60, [("silent", True)]),
        ((sign(beat_ms=NOW + 3_600_000),), 60, [("silent", True)]),
        ((sign(state="setup_failed", ready_ms=0),), 60, [("setup_failed", True)]),
        ((sign(state="defunct"),), 60, [("setup_failed", True)]),
        ((), 299, []),
        ((), 301, [("not_ready", True)]),
        ((sign(state="loading", ready_ms=0),), 301, [("not_ready", True)]),
        ((sign(),), 301, []),
        ((sign(),), 12 * 3600 + 1, [("too_old", False)]),
    ],
)
def test_a_machine_ends_for_these_reasons_only(signs, age_s, expected) -> None:
    view = View(slots=slots(), machines=(machine(age_s=age_s),), heartbeats=signs)
    assert stops(decide(view, POLICY, NOW, reason="tick")) == expected


def test_silence_counts_only_while_somebody_listens() -> None:
    quiet = View(slots=slots(), machines=(machine(),), heartbeats=(sign(beat_ms=NOW - 3_600_000 // 10),))
    assert stops(decide(quiet, POLICY, NOW, reason="tick")) == [("silent", True)]
    assert stops(decide(replace(quiet, watching_since_ms=NOW - 20_000), POLICY, NOW, reason="tick")) == []
    forgotten = View(slots=slots(), machines=(machine(age_s=3600),), watching_since_ms=NOW - 20_000)
    assert stops(decide(forgotten, POLICY, NOW, reason="tick")) == []


def test_a_machine_beyond_the_slots_is_surplus() -> None:
    view = View(slots=slots(launched=2), machines=(machine(1),), heartbeats=(sign(1),))
    assert stops(decide(view, replace(POLICY, max_machines=1), NOW, reason="tick")) == [("surplus", False)]


def test_a_machine_that_was_asked_and_stays_is_killed() -> None:
    old = View(slots=slots(), machines=(machine(age_s=50_000),), heartbeats=(sign(),))
    asked = tuple(replace(slot, stopping_ms=NOW - 31_000) for slot in old.slots)
    assert stops(decide(replace(old, slots=asked), POLICY, NOW, reason="tick")) == [("too_old", True)]


def test_a_slot_in_its_pause_is_left_alone_and_only_jobs_reopen_it() -> None:
    broken = tuple(replace(slot, failures=3, not_before_ms=NOW + 1) for slot in SLOTS)
    waiting = View(slots=broken, waiting=1)
    assert decide(waiting, POLICY, NOW, reason="upload") == []
    assert launches(decide(waiting, POLICY, NOW + 1, reason="upload")) == [0]
    assert decide(replace(waiting, waiting=0), POLICY, NOW + 1, reason="pick") == []


@pytest.mark.parametrize("flavours", ["gpu,cpu", "cpu, gpu", " cpu ,gpu"])
def test_a_launch_counts_as_the_dearest_of_all_flavours_however_they_are_written(flavours: str) -> None:
    assert Policy.of(Settings(fleet="ec2:lamp", flavours=flavours)).launch_usd == DEAREST_USD


def test_a_pause_that_a_broken_clock_wrote_keeps_no_slot_shut() -> None:
    view = View(slots=tuple(replace(slot, not_before_ms=NOW + 10**9) for slot in SLOTS), waiting=1)
    assert launches(decide(view, POLICY, NOW, reason="tick")) == [0]


def test_nothing_is_decided_for_machines_of_somebody_else() -> None:
    view = View(slots=SLOTS, waiting=5)
    assert decide(view, Policy.of(Settings(fleet="none:")), NOW, reason="upload") == []


def test_view_keeps_a_quarter_of_the_warm_budget_for_pick() -> None:
    policy = replace(POLICY, warm_budget=20, launch_budget=50)
    day = NOW // 86_400_000

    def limits(reason, *, warm) -> dict[str, int | None]:
        launch = Launch(slot=SLOTS[0], reason=reason, warm=warm)
        return {charge.counter: charge.limit for charge in charges(launch, policy, NOW)}

    assert limits("view", warm=True) == {f"warm_launches/{day}": 15, f"launches/{day}": 50}
    assert limits("pick", warm=True) == {f"warm_launches/{day}": 20, f"launches/{day}": 50}
    assert limits("upload", warm=False) == {f"launches/{day}": 50}
    off = Launch(slot=SLOTS[0], reason="view", warm=True)
    assert {charge.limit for charge in charges(off, POLICY, NOW)} == {None}


moments = st.integers(NOW - 100_000_000, NOW + 100_000)
some_slots = st.lists(
    st.builds(
        Slot,
        number=st.integers(0, 4),
        epoch=st.integers(0, 3),
        launched_ms=moments,
        outcome=st.sampled_from(["never", "launching", "launched", "ended", "no_capacity", "refused", "no_budget"]),
        failures=st.integers(0, 5),
        not_before_ms=moments,
        stopping_ms=st.sampled_from([0, NOW - 1000, NOW - 40_000]),
    ),
    unique_by=lambda slot: slot.number,
)
some_machines = st.lists(
    st.builds(Machine, slot=st.integers(0, 4), epoch=st.integers(1, 3), launched_ms=moments, name=st.just("m")),
    unique_by=lambda each: each.slot,
)
some_signs = st.lists(
    st.builds(
        Heartbeat,
        worker=st.text(max_size=3),
        slot=st.integers(-1, 4),
        epoch=st.integers(0, 3),
        state=st.sampled_from(["starting", "loading", "ready", "busy", "draining", "setup_failed", "defunct"]),
        started_ms=moments,
        beat_ms=moments,
        ready_ms=st.sampled_from([0, NOW - 10_000]),
    ),
    max_size=5,
)


@given(
    some_slots,
    some_machines,
    some_signs,
    st.integers(0, 50),
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from(["upload", "view", "pick", "tick"]),
)
@hypothesis_settings(max_examples=100, deadline=None)
def test_whatever_is_seen_machines_stay_within_their_number(rows, machines, signs, waiting, running, most, reason):
    numbers = {*range(most), *(slot.number for slot in rows), *(each.slot for each in machines)}
    known = {slot.number: slot for slot in rows}
    view = View(
        slots=tuple(known.get(number, Slot(number=number)) for number in sorted(numbers)),
        machines=tuple(machines),
        heartbeats=tuple(signs),
        waiting=waiting,
        running=running,
        usual=WORK_S,
    )
    policy = replace(POLICY, max_machines=most)
    actions = decide(view, policy, NOW, reason=reason)
    started = launches(actions)
    assert len(set(started)) == len(started)
    assert not set(started) & {each.slot for each in machines}
    assert all(number < most for number in started)
    assert all(known[number].not_before_ms <= NOW for number in started if number in known)
    assert len(started) <= wanted(view, policy, reason=reason) <= most
    if reason == "tick" and waiting + running == 0:
        assert started == []
    stopped = [action.machine for action in actions if isinstance(action, Stop)]
    assert len(set(stopped)) == len(stopped)
    assert set(stopped) <= set(machines)
    assert {each for each in machines if each.slot >= most} <= set(stopped)
    assert {each for each in machines if NOW - each.launched_ms > policy.hard_age_ms} <= set(stopped)


@pytest.mark.parametrize(("reason", "count"), [("view", 0), ("pick", 1), ("upload", 1), ("tick", 0)])
def test_where_the_bridge_takes_the_first_photos_a_look_at_the_page_starts_no_machine(reason, count):
    view = View(slots=SLOTS)
    assert wanted(view, replace(POLICY, bridged=True), reason=reason) == count
    assert wanted(replace(view, waiting=1), replace(POLICY, bridged=True), reason=reason) == 1
