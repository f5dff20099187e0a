"""Signs of life that a test gives in a worker's place."""

from __future__ import annotations

from jobs.heartbeat import Heartbeat, beat
from jobs.ports import Ports


def show(ports: Ports, epoch: int, state: str, *, slot: int = 0, **facts: object) -> None:
    now = ports.clock()
    known = {"started_ms": now, "beat_ms": now, "ready_ms": now if state in ("ready", "busy") else 0}
    beat(ports.table, Heartbeat(worker=f"slot{slot}-{epoch}", slot=slot, epoch=epoch, state=state, **known | facts))
