"""What those who wait are told, for each way a fleet can be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleet.outlook import outlook
from fleet.policy import Policy
from fleet.slots import Slot
from fleet.view import View
from jobs.settings import Settings
from tests.fleet.views import NOW, SLOTS, machine, sign, slots

POLICY = Policy.of(Settings(max_machines=2))
NOBODY = Policy.of(Settings(fleet="none:"))
LAUNCHED = View(slots=slots(), machines=(machine(),))


def told(view: View, policy: Policy = POLICY) -> tuple[str, str]:
    seen = outlook(view, policy, NOW)
    return seen.state, seen.phase


def paused(**facts: object) -> View:
    return View(slots=tuple(replace(slot, not_before_ms=NOW + 60_000, **facts) for slot in SLOTS))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (View(slots=SLOTS), ("none", "starting_machine")),
        (View(slots=(Slot(number=0, outcome="launching", launched_ms=NOW - 10),)), ("starting", "starting_machine")),
        (LAUNCHED, ("starting", "starting_machine")),
        (replace(LAUNCHED, heartbeats=(sign(state="starting", ready_ms=0),)), ("starting", "starting_machine")),
        (replace(LAUNCHED, heartbeats=(sign(state="loading", ready_ms=0),)), ("starting", "loading_model")),
        (replace(LAUNCHED, heartbeats=(sign(),)), ("ready", "in_line")),
        (replace(LAUNCHED, heartbeats=(sign(state="busy"),)), ("ready", "in_line")),
        (replace(LAUNCHED, heartbeats=(sign(state="draining"),)), ("none", "starting_machine")),
        (replace(LAUNCHED, heartbeats=(sign(beat_ms=NOW - 60_000),)), ("none", "starting_machine")),
        (replace(LAUNCHED, heartbeats=(sign(), sign(1, state="loading"))), ("ready", "in_line")),
        (paused(outcome="no_capacity"), ("none", "waiting_for_capacity")),
        (paused(outcome="no_budget"), ("none", "waiting_for_capacity")),
        (paused(outcome="refused", failures=1), ("none", "machine_failing")),
        (paused(outcome="ended", failures=3), ("none", "machine_failing")),
        (paused(outcome="ended", failures=2), ("none", "starting_machine")),
    ],
)
def test_the_phase_says_why_somebody_waits(view: View, expected: tuple[str, str]) -> None:
    assert told(view) == expected


def test_without_machines_of_ours_only_a_fresh_worker_helps() -> None:
    nobody = View(slots=())
    theirs = sign(slot=-1, epoch=0)
    assert told(nobody, NOBODY) == ("none", "no_worker")
    assert "None has shown" in outlook(nobody, NOBODY, NOW).detail
    gone = replace(nobody, heartbeats=(replace(theirs, beat_ms=NOW - 60_000),))
    assert told(gone, NOBODY) == ("none", "no_worker")
    assert "07:59 UTC" in outlook(gone, NOBODY, NOW).detail
    assert told(replace(nobody, heartbeats=(theirs,)), NOBODY) == ("ready", "in_line")
    loading = replace(theirs, state="loading", ready_ms=0)
    assert told(replace(nobody, heartbeats=(loading,)), NOBODY) == ("starting", "loading_model")


def test_failing_machines_are_explained_with_the_workers_own_sentence_and_the_next_try() -> None:
    detail = outlook(paused(outcome="ended", failures=4, detail="No weights."), POLICY, NOW).detail
    assert "4 times in a row: No weights." in detail
    assert "The next try is at 08:01 UTC." in detail


def test_trouble_is_told_since_it_began() -> None:
    told_of = paused(outcome="no_capacity", launched_ms=NOW - 5000, trouble_ms=NOW - 600_000)
    assert outlook(told_of, POLICY, NOW).since_ms == NOW - 600_000


def test_the_time_to_readiness_is_what_usually_remains() -> None:
    usual = {"starting_machine": 90.0, "loading_model": 4.0}
    booting = replace(LAUNCHED, usual=usual)  # launched a minute ago
    assert outlook(booting, POLICY, NOW).ready_in_s == pytest.approx(34.0)
    loading = replace(booting, heartbeats=(sign(state="loading", ready_ms=0, started_ms=NOW - 1000),))
    assert outlook(loading, POLICY, NOW).ready_in_s == pytest.approx(3.0)
    assert outlook(replace(LAUNCHED, usual={"loading_model": 4.0}), POLICY, NOW).ready_in_s is None
    assert outlook(replace(LAUNCHED, heartbeats=(sign(),)), POLICY, NOW).ready_in_s == 0.0
    assert outlook(View(slots=SLOTS, usual=usual), POLICY, NOW).ready_in_s is None


def test_the_bridge_is_told_beside_the_machines_and_never_as_one() -> None:
    bridge = replace(sign(slot=-1, epoch=0, bridge=True), worker="bridge-1")
    booting = replace(LAUNCHED, bridge=(bridge,))
    seen = outlook(booting, POLICY, NOW)
    assert (seen.state, seen.phase, seen.bridged_ms) == ("starting", "starting_machine", bridge.ready_ms)
    assert outlook(replace(View(slots=()), bridge=(bridge,)), NOBODY, NOW).phase == "no_worker"
    assert outlook(replace(booting, heartbeats=(sign(),)), POLICY, NOW).bridged_ms == 0
    for lost in (replace(bridge, state="loading"), replace(bridge, beat_ms=NOW - 60_000)):
        assert outlook(replace(booting, bridge=(lost,)), POLICY, NOW).bridged_ms == 0
