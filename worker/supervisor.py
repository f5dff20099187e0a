"""The worker's parent process: keeps leases and heartbeats, watches the belt, and knows when to end.

starting ─▶ loading ─▶ ready ⇄ busy ─▶ draining ─▶ (exit 0): idle, told to stop, or a notice from EC2
│          └── a stage hangs ─▶ defunct (exit 70)
└── engine or sandbox cannot be had ─▶ setup_failed (exit 3)
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

from jobs.errors import StoreBusy
from jobs.heartbeat import WorkerState
from jobs.patience import has_waited_enough, read_patience
from jobs.ports import Ports
from jobs.settings import Settings
from worker.assignment import Assignment
from worker.belt import EXIT_BROKEN, Belt
from worker.desk import Desk
from worker.milestones import Milestones
from worker.notice import Notice
from worker.pulse import Identity, Pulse

log = logging.getLogger(__name__)

STORE_S = 120.0  # a fetch or a store that takes longer hangs
GRACE_S = 3.0  # how long a picture already being written may take after SIGTERM
NOTICE_GRACE_S = 4.5  # how long one in the network or behind it may take after an interruption notice
LOOK_S = 1.0  # progress is told this often
EXIT_OK, EXIT_SETUP_FAILED = 0, 3


class Supervisor:
    """Runs until idle, told to stop, or broken; `run` returns the exit status."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        ports: Ports,
        desk: Desk,
        belt: Belt,
        milestones: Milestones,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._desk = desk
        self._monotonic = monotonic
        self._started = monotonic()
        self._pulse = Pulse(ports, identity, file=Path(settings.pulse_file) if settings.pulse_file else None)
        self._stopping = threading.Event()
        self._notice: Notice | None = None
        self._belt = belt
        self._milestones = milestones

    def stop(self) -> None:
        """Hand back and end; safe to call from a signal handler."""
        self._stopping.set()
        self._belt.news.set()

    def heed(self, notice: Notice) -> None:
        """An interruption: hand back and end. A rebalance: end as soon as nothing is in hand; safe from any thread."""
        log.warning("EC2 announces %s (%s)", notice.kind, notice.at)
        self._notice = notice
        if notice.kind == "interruption":
            self.stop()
        self._belt.news.set()

    def run(self) -> int:
        self._belt.start(self._loaded)  # before the first word to a store: what speaks to AWS takes long to load
        next_beat = -math.inf
        while not self._stopping.is_set():
            if self._belt.broken is not None:
                return self._give_up(self._belt.broken)
            if hung := self._hung():
                return self._defunct(hung)
            if self._monotonic() >= next_beat or self._milestones.pending:
                self._renew(self._desk.held())
                self._beat(self._state())
                next_beat = self._monotonic() + self._settings.heartbeat_s
                self._milestones.tell()
            if self._is_idle():
                self._belt.close()
            if self._belt.closed:
                if not self._desk.held():
                    log.info("nothing in hand and nothing to wait for: the worker ends")
                    self._beat("draining", self._why_ending())
                    return EXIT_OK
                self._belt.open()  # a photo came with the last long poll
            self._belt.news.wait(min(LOOK_S, self._settings.heartbeat_s))
            self._belt.news.clear()
            self._pulse.show(self._state())
            self._renew([one for one in self._desk.held() if one.progress > one.job.progress])
        return self._drain()

    def _loaded(self, engine: str) -> None:
        """Called by the belt once the engine is ready, and before its first photo, so that it must not wait."""
        seconds = self._monotonic() - self._started
        log.info("%s engine ready %.2f s after the worker's start", engine, seconds)
        self._pulse.ready(engine)
        self._milestones.reached("engine_ready", flavour=f"{engine} {self._settings.network}")

    def _state(self) -> WorkerState:
        if not self._belt.ready.is_set():
            return "loading"
        return "busy" if self._desk.held() else "ready"

    def _beat(self, state: WorkerState, detail: str = "") -> None:
        self._pulse.beat(state, last_job_ms=self._desk.last_job_ms, rested_ms=self._desk.rested_ms, detail=detail)

    def _renew(self, assignments: list[Assignment]) -> None:
        """Keep these leases, and tell the progress with it."""
        for assignment in assignments:
            try:
                self._desk.renew(assignment)
            except StoreBusy:
                log.exception("no lease could be renewed")

    def _hung(self) -> Assignment | None:
        """An assignment whose stage outlasts what its own deadlines allow: a thread that nothing can free."""
        codec_s = 2 * self._settings.codec_s + STORE_S
        allowed = {"fetching": STORE_S, "storing": STORE_S, "decoding": codec_s, "encoding": codec_s}
        now = self._monotonic()
        for assignment in self._desk.held():
            limit = allowed.get(assignment.stage)
            if limit and not assignment.parked and now - assignment.stage_since > limit:
                return assignment
        return None

    def _is_idle(self) -> bool:
        if self._notice is not None and self._belt.ready.is_set() and not self._desk.held():
            return True
        if self._settings.fleet.startswith("none:"):
            return False
        return has_waited_enough(self._settings, self._belt.idle_s(), advised_s=self._advised_s)

    def _advised_s(self) -> float:
        """How long to wait for a photo, by when they came lately and whether anybody is still there to send one."""
        try:
            return read_patience(self._ports.table).advised_s(
                self._settings, last_job_ms=self._desk.last_job_ms, rested_ms=self._desk.rested_ms
            )
        except StoreBusy:
            log.exception("no advice can be read: the worker waits")
            return math.inf

    def _give_up(self, why: str) -> int:
        log.error("no photo can be enhanced here: %s", why)
        self._belt.end()
        self._hand_back(self._desk.held())
        self._beat("setup_failed", why)
        return EXIT_SETUP_FAILED

    def _defunct(self, assignment: Assignment) -> int:
        log.error("job %s hangs in stage %s; the worker ends, its leases lapse", assignment.job.id, assignment.stage)
        self._beat("defunct", f"hung in {assignment.stage}")
        return EXIT_BROKEN

    def _drain(self) -> int:
        """SIGTERM: pictures already being written may finish for a moment, everything else goes back in line.

        EC2 gives two minutes after its notice, SIGTERM may mean ten seconds: then the network may finish its photo too.
        The last long poll is heard out, since SQS may give its message to a worker that has gone.
        """
        self._belt.end()
        self._beat("draining", self._why_ending())
        finishing = {"encoding", "storing"} | ({"enhancing"} if self._notice is not None else set())
        ends = self._monotonic() + (GRACE_S if self._notice is None else NOTICE_GRACE_S)
        while self._monotonic() < ends:
            self._hand_back([one for one in self._desk.held() if one.stage not in finishing])
            if not self._desk.held() and not self._belt.awaited:
                break
            self._belt.news.wait(0.05)
            self._belt.news.clear()
        self._hand_back(self._desk.held())
        return EXIT_OK

    def _why_ending(self) -> str:
        return f"spot {self._notice.kind}" if self._notice is not None else ""

    def _hand_back(self, assignments: list[Assignment]) -> None:
        for assignment in assignments:
            self._desk.hand_back(assignment)
