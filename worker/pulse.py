"""The worker's heartbeat: one row, written by whichever thread has news."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass, replace

from jobs.errors import StoreBusy
from jobs.heartbeat import Heartbeat, WorkerState, beat
from jobs.ports import Ports
from jobs.table import JobTable

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this worker is: `slot` −1 for one that no launcher started."""

    worker: str
    slot: int
    epoch: int


class Pulse:
    """Thread-safe; a store that stays busy costs a beat, not the worker."""

    def __init__(self, ports: Ports, identity: Identity) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        now = ports.clock()
        self._heartbeat = Heartbeat(
            worker=identity.worker,
            slot=identity.slot,
            epoch=identity.epoch,
            state="starting",
            started_ms=now,
            beat_ms=now,
        )

    @property
    def started_ms(self) -> int:
        return self._heartbeat.started_ms

    def ready(self, engine: str) -> None:
        """The engine is loaded; told with the next beat."""
        with self._lock:
            self._heartbeat = replace(self._heartbeat, ready_ms=self._ports.clock(), engine=engine)

    def beat(self, state: WorkerState, *, last_job_ms: int = 0, detail: str = "") -> None:
        with self._lock:
            self._heartbeat = replace(
                self._heartbeat,
                state=state,
                beat_ms=self._ports.clock(),
                last_job_ms=max(self._heartbeat.last_job_ms, last_job_ms),
                detail=detail,
            )
            try:
                beat(self._ports.table, self._heartbeat)
            except StoreBusy:
                log.exception("no heartbeat could be written")


def launched_ms(table: JobTable, identity: Identity) -> int | None:
    """When a launcher asked for this worker's machine, from the slot's row; None when none did. Raises StoreBusy."""
    row = table.read(f"slot/{identity.slot}") if identity.slot >= 0 else None
    at_ms: int | None = json.loads(row.doc).get("launched_ms") if row else None
    return at_ms
