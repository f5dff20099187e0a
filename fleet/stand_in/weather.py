"""The weather over the stand-in: what goes wrong, how often, decided by an injected chance."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

STATUS = {"RequestLimitExceeded": 503, "InsufficientInstanceCapacity": 500, "InternalError": 500, "Unavailable": 503}


class Lost(Exception):
    """The connection broke: before the call acted, or after."""


class Fault(Exception):
    """EC2 says no, with a code and an HTTP status."""

    def __init__(self, code: str, message: str = "", *, status: int = 400) -> None:
        self.code = code
        self.message = message or code
        self.status = status
        super().__init__(f"{code}: {self.message}")


@dataclass(slots=True, kw_only=True)
class Weather:
    """Fair by default. Probabilities are per call, `dry` per pool and moment; times in milliseconds. A fleet may be
    `declined` as a whole, and its token then is not taken. Lists are between `least_lag_ms` and `lag_ms` old.

    Over HTTP a fleet takes `answer_ms` to be made. `next` holds what the next calls of an action meet, first come first
    served: `lost_before`, `lost_after`, or an error code. `dry_pools` maps `market/type/zone` to the code with which it
    refuses, `quotas` `market/flavour` to the vCPUs that the account may have.
    """

    chance: Random = field(default_factory=Random)
    lost_before: float = 0.0
    lost_after: float = 0.0
    throttled: float = 0.0
    declined: float = 0.0
    dry: float = 0.0
    least_lag_ms: int = 0
    lag_ms: int = 0
    answer_ms: int = 0
    boot_ms: int = 0
    shutdown_ms: int = 0
    replays_ended: bool = False
    next: dict[str, list[str]] = field(default_factory=dict)
    dry_pools: dict[str, str] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)

    def before(self, action: str) -> str:
        """Called as a request comes in. Raises Lost or Fault; `lost_after` when the answer will not get through."""
        waiting = self.next.get(action)
        fate = waiting.pop(0) if waiting else self._drawn(action)
        if fate == "lost_before":
            raise Lost(action)
        if fate not in ("", "lost_after"):
            raise Fault(fate, status=STATUS.get(fate, 400))
        return fate

    def refusal(self, market: str, type_: str, zone: str) -> str:
        """The code with which a pool refuses now, or nothing."""
        for key in (f"{market}/{type_}/{zone}", f"{market}/{type_}", market, "*"):
            if key in self.dry_pools:
                return self.dry_pools[key]
        return "InsufficientInstanceCapacity" if self._happens(self.dry) else ""

    def lag(self) -> int:
        """How old the list is that this call sees."""
        return self.chance.randint(self.least_lag_ms, max(self.least_lag_ms, self.lag_ms))

    def _drawn(self, action: str) -> str:
        if self._happens(self.throttled):
            return "RequestLimitExceeded"
        if action == "CreateFleet" and self._happens(self.declined):
            return "InsufficientInstanceCapacity"
        if self._happens(self.lost_before):
            return "lost_before"
        return "lost_after" if self._happens(self.lost_after) else ""

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self.chance.random() < probability
