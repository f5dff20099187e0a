"""When to start and stop machines: pure decisions from a view; no I/O, not even the time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from fleet.instance_types import dearest_usd
from fleet.ladder import Terms
from fleet.machines import Machine
from fleet.meter import PERIOD_MS, micro_dollars
from fleet.slots import FAILURES_ALLOWED, Slot
from fleet.view import Reason, View
from jobs.heartbeat import Heartbeat
from jobs.settings import Settings
from jobs.usual import WORK, phase_s

STOP_GRACE_MS = 30_000  # a machine that was asked to end and has not by then is ended
SILENT_HEARTBEATS = 5  # four without a sign count as gone (see `Heartbeat.is_fresh`), one more is grace
TYPICAL_MEGAPIXELS = 12.0
AT_ONCE = ("setup_failed", "silent", "not_ready", "superseded")

End = Literal["setup_failed", "silent", "not_ready", "too_old", "surplus", "superseded", "budget_spent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The operator's terms. `launches` False: somebody else runs the machines. Budgets per UTC day; 0: no limit.

    `launch_usd` is the most that an hour of a machine may count against `dollar_budget`. `bridged`: the worker beside
    the API takes the first photos.
    """

    launches: bool
    max_machines: int
    target_wait_s: float
    heartbeat_ms: int
    ready_deadline_ms: int
    hard_age_ms: int
    warm_budget: int
    launch_budget: int
    dollar_budget: float = 0.0
    launch_usd: float = 0.0
    bridged: bool = False

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        on_ec2 = settings.fleet.startswith("ec2:")
        return cls(
            launches=not settings.fleet.startswith("none:"),
            max_machines=settings.max_machines,
            target_wait_s=settings.target_wait_s,
            heartbeat_ms=int(settings.heartbeat_s * 1000),
            ready_deadline_ms=int(settings.ready_deadline_s * 1000),
            hard_age_ms=int(settings.hard_age_s * 1000),
            warm_budget=settings.warm_budget,
            launch_budget=settings.launch_budget,
            dollar_budget=settings.dollar_budget,
            bridged=bool(settings.bridge),
            launch_usd=dearest_usd(Terms.of(settings.fleet, settings.flavours).flavours) if on_ec2 else 0.0,
        )

    @property
    def silent_ms(self) -> int:
        return SILENT_HEARTBEATS * self.heartbeat_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """Start a machine in this slot. A `warm` one is charged to the warm budget too: no accepted job asks for it."""

    slot: Slot
    reason: Reason
    warm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End this machine; with `kill` at once, else in its own time."""

    machine: Machine
    why: End
    kill: bool


Action = Launch | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """An amount to be counted against a counter that must not pass `limit`; None: no limit."""

    counter: str
    limit: int | None
    expires_ms: int
    amount: int = 1


def decide(view: View, policy: Policy, now: int, *, reason: Reason) -> list[Action]:
    """What to do now. At most one machine per slot, at most `max_machines` slots (S7)."""
    stops = [stop for machine in view.machines if (stop := _ending(machine, view, policy, now))]
    if not policy.launches:
        return []
    warm = view.unfinished == 0
    free = [slot for slot in view.slots if _is_free(slot, view, policy, now=now, warm=warm)]
    free.sort(key=lambda slot: (slot.failures, slot.number))
    missing = wanted(view, policy, reason=reason) - _capacity(view, policy, stops, now)
    launches = [Launch(slot=slot, reason=reason, warm=warm) for slot in free[: max(0, missing)]]
    return [*stops, *launches]


def wanted(view: View, policy: Policy, *, reason: Reason) -> int:
    """Machines that the work needs to end within `target_wait_s`; one for who announces work, none otherwise.

    An upload that is not accepted yet announces it like a warm call. Who only opens the page announces nothing where
    the bridge takes the first photos, or where most who looked lately sent none: each would cost a machine's start.
    """
    if view.unfinished == 0:
        announced = reason in ("upload", "pick") or (reason == "view" and not policy.bridged and view.looks_pay)
        return min(1, policy.max_machines) if announced else 0
    lengths = [phase_s(view.usual, phase, megapixels=TYPICAL_MEGAPIXELS) or 0.0 for phase in WORK]
    backlog_s = view.unfinished * sum(lengths)
    needed = math.ceil(backlog_s / policy.target_wait_s) if policy.target_wait_s else policy.max_machines
    return min(policy.max_machines, max(1, needed))


def charges(launch: Launch, policy: Policy, now: int) -> list[Charge]:
    """What a launch costs: `view` may spend three quarters of the warm budget, the rest is kept for `pick` (S8)."""
    day = now // 86_400_000
    expires = (day + 1) * 86_400_000
    costs = [Charge(counter=f"launches/{day}", limit=policy.launch_budget or None, expires_ms=expires)]
    if policy.dollar_budget and policy.launch_usd:
        costs.append(dollars(policy.launch_usd, PERIOD_MS, policy, now))
    if launch.warm:
        share = policy.warm_budget * 3 // 4 if launch.reason == "view" else policy.warm_budget
        costs.insert(0, replace(warm_charge(policy, now), limit=share if policy.warm_budget else None))
    return costs


def warm_charge(policy: Policy, now: int) -> Charge:
    """One launch that a warm call asked for; given back once a photo came after all."""
    day = now // 86_400_000
    limit = policy.warm_budget or None
    return Charge(counter=f"warm_launches/{day}", limit=limit, expires_ms=(day + 1) * 86_400_000)


def dollars(usd_per_hour: float, ms: int, policy: Policy, now: int) -> Charge:
    """Machine time against the day's dollars, in millionths."""
    day = now // 86_400_000
    return Charge(
        counter=f"dollars/{day}",
        limit=int(policy.dollar_budget * 1e6) if policy.dollar_budget else None,
        expires_ms=(day + 1) * 86_400_000,
        amount=micro_dollars(usd_per_hour, ms),
    )


def is_silent(heartbeat: Heartbeat, view: View, policy: Policy, now: int) -> bool:
    """No sign for five heartbeats while somebody listened; one implausibly far ahead is a broken clock's."""
    beat_ms = heartbeat.beat_ms if heartbeat.beat_ms - now <= policy.silent_ms else 0
    return now - max(beat_ms, view.watching_since_ms) > policy.silent_ms


def _ending(machine: Machine, view: View, policy: Policy, now: int) -> Stop | None:
    """Why this machine must end, if it must (L2)."""
    slot = next(slot for slot in view.slots if slot.number == machine.slot)
    heartbeat = view.heartbeat_of(machine.slot, machine.epoch)
    age = now - machine.launched_ms
    why: End
    if machine.epoch < slot.epoch:
        why = "superseded"
    elif heartbeat is not None and heartbeat.state in ("setup_failed", "defunct"):
        why = "setup_failed"
    elif heartbeat is not None and is_silent(heartbeat, view, policy, now):
        why = "silent"
    elif _waited_ms(machine, heartbeat, view, now) > policy.ready_deadline_ms:
        why = "not_ready"
    elif age > policy.hard_age_ms:
        why = "too_old"
    elif machine.slot >= policy.max_machines:
        why = "surplus"
    else:
        return None
    overdue = slot.stopping_ms > 0 and now - slot.stopping_ms > STOP_GRACE_MS
    return Stop(machine=machine, why=why, kill=overdue or why in AT_ONCE)


def _waited_ms(machine: Machine, heartbeat: Heartbeat | None, view: View, now: int) -> int:
    """How long the machine has been expected to become ready; 0 once it is."""
    if heartbeat is None:  # old signs are forgotten, so it may have been ready before we listened
        return now - max(machine.launched_ms, view.watching_since_ms)
    return 0 if heartbeat.ready_ms else now - machine.launched_ms


def _is_free(slot: Slot, view: View, policy: Policy, *, now: int, warm: bool) -> bool:
    if slot.number >= policy.max_machines or view.machine_in(slot.number) or slot.is_launching(now=now):
        return False
    if warm and slot.failures >= FAILURES_ALLOWED:
        return False  # only an accepted photo is worth another try
    return not slot.pauses(now=now)


def _capacity(view: View, policy: Policy, stops: list[Stop], now: int) -> int:
    """Machines that work or soon will, ours and others'. One that ends holds its slot and counts for nothing."""
    ending = {stop.machine.slot for stop in stops}
    count = 0
    for slot in view.slots:
        machine = view.machine_in(slot.number)
        if machine is None:
            count += slot.is_launching(now=now)
        elif slot.number not in ending and not slot.stopping_ms:
            heartbeat = view.heartbeat_of(machine.slot, machine.epoch)
            count += heartbeat is None or heartbeat.state != "draining"
    others = [each for each in view.heartbeats if each.slot < 0]
    return count + sum(
        each.state in ("starting", "loading", "ready", "busy")
        and each.is_fresh(now=now, heartbeat_ms=policy.heartbeat_ms)
        for each in others
    )
