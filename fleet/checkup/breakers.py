"""Breakers that are open: slots that pause after failures, and pools that are spared because they refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from fleet.checkup.finding import Finding, error, warning
from fleet.pools import Refusal
from fleet.slots import FAILURES_ALLOWED, Slot
from jobs.clock import hour


def findings(slots: Sequence[Slot], pools: Mapping[str, Refusal], *, ec2: bool, now: int) -> list[Finding]:
    """Pure."""
    found = [each for slot in slots if (each := _of_slot(slot, ec2=ec2, now=now))]
    if pools:
        codes = ", ".join(f"{code} {times}×" for code, times in Counter(each.code for each in pools.values()).items())
        until = max(each.until_ms for each in pools.values())
        found.append(
            warning(
                "pools_refused",
                f"{len(pools)} pools of EC2 gave no machine lately ({codes}) and are spared until {hour(until)}.",
                "Wait; if it happens often, let machines start in more zones (SUBNETS) and both FLAVOURS.",
            )
        )
    return found


def _of_slot(slot: Slot, *, ec2: bool, now: int) -> Finding | None:
    again = f"the next try is at {hour(slot.not_before_ms)}" if slot.pauses(now=now) else "the next photo tries again"
    if slot.outcome == "refused":
        return error(
            "launch_refused",
            f"Slot {slot.number} cannot be launched: {slot.detail}",
            f"Do what is said there; {again}.",
        )
    if slot.failures >= FAILURES_ALLOWED:
        log = (
            "`aws ec2 get-console-output --latest --output text --instance-id ID` (the id: `firstlight machines list`)"
            if ec2
            else f"the log `{slot.number}.log` in the folder that FLEET names"
        )
        return error(
            "setup_breaker",
            f"{slot.failures} machines of slot {slot.number} in a row did not become ready: "
            f"{slot.detail or 'no reason was told'}",
            f"Read {log}; {again}.",
        )
    return None
