"""An instance of the stand-in: its life as times, and its state at any of them.

pending ─ boot ─▶ running ─ terminated, interrupted, powered off ─▶ shutting-down ─▶ terminated
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}


@dataclass(slots=True, kw_only=True)
class Instance:
    """Times are wall-clock milliseconds UTC; None: not yet. `notice_ms` is when a spot interruption was announced."""

    id: str
    type: str
    subnet: str
    zone: str
    market: str
    template: str
    token: str
    launched_ms: int
    running_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    ending_ms: int | None = None
    ended_ms: int | None = None
    why: str = ""
    rebalance_ms: int | None = None
    notice_ms: int | None = None
    action_ms: int | None = None

    def state(self, now: int) -> str:
        if self.ended_ms is not None and now >= self.ended_ms:
            return "terminated"
        if self.ending_ms is not None and now >= self.ending_ms:
            return "shutting-down"
        return "running" if now >= self.running_ms else "pending"

    def is_live(self, now: int) -> bool:
        """Whether it is billed, or about to be."""
        return self.state(now) in ("pending", "running")

    def described(self, now: int) -> dict[str, Any]:
        """As DescribeInstances tells it."""
        state = self.state(now)
        told: dict[str, Any] = {
            "InstanceId": self.id,
            "InstanceType": self.type,
            "SubnetId": self.subnet,
            "Placement": {"AvailabilityZone": self.zone},
            "State": {"Code": CODES[state], "Name": state},
            "LaunchTime": datetime.fromtimestamp(self.launched_ms // 1000, UTC),
            "ClientToken": self.token,
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }
        if self.market == "spot":
            told["InstanceLifecycle"] = "spot"
        if self.why and state != "running":
            told["StateReason"] = {"Code": self.why, "Message": self.why}
        return told
