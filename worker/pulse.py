"""The worker's heartbeat: one row for everybody, and a file for the machine it runs on."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from pathlib import Path

from jobs.errors import StoreBusy
from jobs.heartbeat import Heartbeat, WorkerState, beat
from jobs.ports import Ports

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this worker is: `slot` −1 for one that no launcher started; `bridge` for the one beside the API."""

    worker: str
    slot: int
    epoch: int
    bridge: bool = False


class Pulse:
    """Thread-safe; a store that stays busy costs a beat, not the worker.

    `file`, where one is named, holds the state's one word. Its age tells a deadman or a health check on the same
    machine that the supervisor lives, whether or not a store can be reached.
    """

    def __init__(self, ports: Ports, identity: Identity, *, file: Path | None = None) -> None:
        self._ports = ports
        self._file = file
        self._shown: WorkerState | None = None
        self._lock = threading.Lock()
        self._writing = threading.Lock()  # apart: who tells that the engine is ready waits for no store
        now = ports.clock()
        self._heartbeat = Heartbeat(
            worker=identity.worker,
            slot=identity.slot,
            epoch=identity.epoch,
            bridge=identity.bridge,
            state="starting",
            started_ms=now,
            beat_ms=now,
        )
        self.show("starting")

    def ready(self, engine: str) -> None:
        """The engine is loaded; told with the next beat."""
        with self._lock:
            self._heartbeat = replace(self._heartbeat, ready_ms=self._ports.clock(), engine=engine)

    def show(self, state: WorkerState) -> None:
        """Write the state into the file, if it is another one than there; a beat writes it in any case."""
        if state != self._shown:
            self._show(state)

    def beat(self, state: WorkerState, *, last_job_ms: int = 0, rested_ms: int = 0, detail: str = "") -> None:
        self._show(state)
        with self._writing:
            with self._lock:
                heartbeat = self._heartbeat = replace(
                    self._heartbeat,
                    state=state,
                    beat_ms=self._ports.clock(),
                    last_job_ms=max(self._heartbeat.last_job_ms, last_job_ms),
                    rested_ms=max(self._heartbeat.rested_ms, rested_ms),
                    detail=detail,
                )
            try:
                beat(self._ports.table, heartbeat)
            except StoreBusy:
                log.exception("no heartbeat could be written")

    def _show(self, state: WorkerState) -> None:
        if self._file is None:
            return
        unfinished = self._file.with_name(f".{self._file.name}.{threading.get_ident()}")
        try:
            unfinished.write_text(state)
            unfinished.replace(self._file)
        except OSError:
            log.exception("PULSE_FILE=%s could not be written: whoever watches it will take this worker for dead; "
                          "name a file in a folder that the worker may write to", self._file)  # fmt: skip
        else:
            self._shown = state
