"""What those who wait for a machine can expect, in the words of the status page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from fleet.policy import Policy
from fleet.slots import FAILURES_ALLOWED, Slot
from fleet.view import View
from jobs.clock import hour
from jobs.heartbeat import Heartbeat
from jobs.job import Phase
from jobs.usual import phase_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`phase` is what a queued job waits for now, since `since_ms` (0: not known); `in_line` once a worker works.

    `detail` is a sentence or empty. `ready_in_s` is measured, None where it cannot be known. `refused` is a code of
    the registry when a machine was asked for and not started. `bridged_ms` is since when the bridge works in the
    machines' place; 0 when none does, or none needs to.
    """

    state: Literal["ready", "starting", "none"]
    phase: Phase
    since_ms: int = 0
    detail: str = ""
    ready_in_s: float | None = None
    refused: str | None = None
    bridged_ms: int = 0


def outlook(view: View, policy: Policy, now: int) -> Outlook:
    """The best that any machine has to offer, or else why there is none; and whether the bridge works meanwhile."""
    told = _machines(view, policy, now)
    fresh = [each for each in view.bridge if each.works and each.is_fresh(now=now, heartbeat_ms=policy.heartbeat_ms)]
    if told.state == "ready" or not fresh:
        return told
    return replace(told, bridged_ms=min(each.ready_ms for each in fresh))


def _machines(view: View, policy: Policy, now: int) -> Outlook:
    fresh = [each for each in view.heartbeats if each.is_fresh(now=now, heartbeat_ms=policy.heartbeat_ms)]
    if working := [each for each in fresh if each.works]:
        return Outlook(state="ready", phase="in_line", since_ms=min(each.ready_ms for each in working), ready_in_s=0.0)
    if loading := [each for each in fresh if each.state == "loading"]:
        first = min(loading, key=lambda each: each.started_ms)
        return _starting(view, "loading_model", since_ms=first.started_ms, now=now)
    if (since_ms := _starting_since(view, fresh, now)) is not None:
        return _starting(view, "starting_machine", since_ms=since_ms, now=now)
    if not policy.launches or policy.max_machines == 0:
        return _nobody(view)
    if view.machines:
        since_ms = max(slot.stopping_ms for slot in view.slots)
        detail = "The last machine is ending; the next one can start when it is gone."
        return Outlook(state="none", phase="starting_machine", since_ms=since_ms, detail=detail)
    slots = [slot for slot in view.slots if slot.number < policy.max_machines]
    return _without_machine(min(slots, key=lambda slot: (slot.failures, slot.number)), now)


def _starting(view: View, phase: Phase, *, since_ms: int, now: int) -> Outlook:
    """Still to come: what usually remains of this phase, and loading unless it is this phase."""
    left: float | None = 0.0
    for each in ("starting_machine", "loading_model") if phase == "starting_machine" else ("loading_model",):
        length = phase_s(view.usual, each, megapixels=1.0)
        if length is None or left is None:
            left = None
            continue
        left += max(0.0, length - (now - since_ms) / 1000) if each == phase else length
    return Outlook(state="starting", phase=phase, since_ms=since_ms, ready_in_s=left)


def _starting_since(view: View, fresh: list[Heartbeat], now: int) -> int | None:
    """When the first machine that is still booting was launched; None when none is."""
    launches = [slot.launched_ms for slot in view.slots if slot.is_launching(now=now)]
    for machine in view.machines:
        heartbeat = view.heartbeat_of(machine.slot, machine.epoch)
        if heartbeat is None or (heartbeat.state == "starting" and heartbeat in fresh):
            launches.append(machine.launched_ms)
    launches += [each.started_ms for each in fresh if each.slot < 0 and each.state == "starting"]
    return min(launches, default=None)


def _nobody(view: View) -> Outlook:
    last_ms = max((each.beat_ms for each in view.heartbeats), default=0)
    seen = f"The last sign of life came at {hour(last_ms)}." if last_ms else "None has shown a sign of life lately."
    return Outlook(state="none", phase="no_worker", since_ms=last_ms, detail=f"No worker is running. {seen}")


def _without_machine(slot: Slot, now: int) -> Outlook:
    """Why the likeliest slot has no machine, by how its last launch went."""
    again = f" The next try is at {hour(slot.not_before_ms)}." if slot.pauses(now=now) else ""
    phase: Phase = "starting_machine"
    detail = ""
    if slot.outcome == "no_capacity":
        why = f": {slot.detail}." if slot.detail else "."
        phase, detail = "waiting_for_capacity", "No machine is to be had at the moment" + why + again
    elif slot.outcome == "no_budget":
        phase, detail = (
            "waiting_for_capacity",
            "Today's machine launches are used up; the next day begins at 00:00 UTC.",
        )
    elif slot.outcome == "refused":
        phase, detail = "machine_failing", "Machines cannot be started; the operator has to look." + again
    elif slot.failures >= FAILURES_ALLOWED:
        phase = "machine_failing"
        detail = f"Machines start but do not become ready, {slot.failures} times in a row: {slot.detail}{again}"
    since_ms = slot.trouble_ms if phase != "starting_machine" else 0
    return Outlook(state="none", phase=phase, since_ms=since_ms, detail=detail)
