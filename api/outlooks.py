"""The fleet as the API sees it: what those who wait can expect, and launches off the request's way."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fleet.outlook import Outlook
from fleet.view import Reason
from jobs.errors import FirstlightError
from jobs.job import Job, Phase
from jobs.usual import is_bridges

log = logging.getLogger("firstlight.api")


class Launching(Protocol):
    """What the API needs of `fleet.launcher.Launcher`. Each call may raise StoreBusy and OSError."""

    def ensure(self, reason: Reason) -> Outlook:
        """Start a machine if one is wanted and none comes; in a cloud that takes seconds."""

    def outlook(self) -> Outlook:
        """Observe only; at most a second old."""

    def glance(self, reason: Reason | None = None) -> Outlook:
        """What the rows tell, and what `ensure` would make of it for this reason; in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a photo waits for or goes through, as its client sees it, since `since_ms`.

    `bridged`: it is in the bridge's hands, or will be; `machine` says what a machine on its way does, since when.
    """

    phase: Phase | None
    since_ms: int
    bridged: bool = False
    machine: tuple[Phase, int] | None = None


class Outlooks:
    """Launches one at a time, in a thread of their own. `wish` asks for the bridge, where there is one; it is quick."""

    def __init__(self, launcher: Launching, *, wish: Callable[[], None] | None = None) -> None:
        self._launcher = launcher
        self._wish = wish
        self._turn = threading.Lock()
        self._wanted: dict[Reason, None] = {}  # a set that keeps its order
        self._launching = False

    def now(self) -> Outlook:
        """Raises StoreBusy and OSError."""
        return self._launcher.outlook()

    def glance(self, intent: Reason | None = None) -> Outlook:
        """As the rows have it, at once; with an intent as it will be once the launcher has heard. See `Launching`."""
        return self._launcher.glance(intent)

    def seen(self, job: Job) -> Seen:
        """How a job stands: a waiting photo is held by the machines' state, or stands in the bridge's line.

        While the machines cannot be observed the row's own phase is told.
        """
        row = Seen(phase=job.phase, since_ms=job.phase_since_ms, bridged=is_bridges(job))
        if job.state != "queued":
            return row
        try:
            outlook = self.now()
        except (FirstlightError, OSError, sqlite3.Error) as error:
            log.warning("the machines cannot be observed: %s", error)
            return row
        machine = outlook.phase, outlook.since_ms or job.phase_since_ms
        if outlook.bridged_ms:
            return Seen(phase="in_line", since_ms=outlook.bridged_ms, bridged=True, machine=machine)
        return Seen(phase=machine[0], since_ms=machine[1])

    def phase(self, job: Job) -> Phase | None:
        return self.seen(job).phase

    def ensure_soon(self, reason: Reason) -> None:
        """Return at once; the launcher is asked from another thread, once for all who ask meanwhile."""
        if self._wish is not None:
            self._wish()
        with self._turn:
            self._wanted[reason] = None
            if not self._launching:
                self._launching = True
                threading.Thread(target=self._launch, name="launch", daemon=True).start()

    def _launch(self) -> None:
        while True:
            with self._turn:
                reasons = list(self._wanted)
                self._wanted.clear()
                if not reasons:
                    self._launching = False
                    return
            done = False
            try:
                for reason in reasons:
                    self._ensure(reason)
                done = True
            finally:
                with self._turn:
                    self._launching = done  # a defect ends this thread; the next call starts another

    def _ensure(self, reason: Reason) -> None:
        try:
            self._launcher.ensure(reason)
        except (FirstlightError, OSError, sqlite3.Error):
            log.exception("no machine could be ensured for %s; the tick tries again", reason)
