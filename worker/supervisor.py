"""The worker's parent process: claims jobs, moves them through the stages, keeps leases and heartbeats, and knows when
to end.

    starting ─▶ loading ─▶ ready ⇄ busy ─▶ draining ─▶ (exit 0)
                   │          └── a stage hangs ─▶ defunct (exit 70)
                   └── the engine cannot be loaded ─▶ setup_failed (exit 3)

Three threads, one a stage, pass assignments on through queues of one place: while a photo is enhanced the next is
fetched and decoded and the last is encoded and stored. The main thread beats, renews, watches and listens for signals.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from jobs import usual
from jobs.errors import StoreBusy
from jobs.heartbeat import Heartbeat, WorkerState, beat
from jobs.job import Phase
from jobs.ports import Ports
from jobs.settings import Settings
from worker.assignment import Assignment
from worker.desk import Desk
from worker.engine import EngineProcess, SetupFailed
from worker.stages import Stages

log = logging.getLogger(__name__)

HELD = 3  # jobs in hand at once: one before the engine, one in it, one behind it
LONG_POLL_S = 2.0
STORE_S = 120.0  # a fetch or a store that takes longer hangs
GRACE_S = 3.0  # how long a picture already being written may take after SIGTERM
EXIT_OK, EXIT_SETUP_FAILED, EXIT_DEFUNCT = 0, 3, 70


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who this worker is: `slot` −1 for one that no launcher started."""

    worker: str
    slot: int
    epoch: int


class Supervisor:
    """Runs until idle, told to stop, or broken; `run` returns the exit status."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        ports: Ports,
        desk: Desk,
        stages: Stages,
        engine: EngineProcess,
        *,
        launched_ms: int | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._desk = desk
        self._stages = stages
        self._engine = engine
        self._monotonic = monotonic
        self._stays = settings.fleet.startswith("none:")
        self._heartbeat = Heartbeat(
            worker=identity.worker,
            slot=identity.slot,
            epoch=identity.epoch,
            state="starting",
            started_ms=ports.clock(),
            beat_ms=0,
        )
        self._beating = threading.Lock()
        self._launched_ms = launched_ms
        self._started = monotonic()
        self._active = self._started  # readiness or the last accepted job: what idle time counts from (S9)
        self._ready = threading.Event()
        self._broken: list[str] = []
        self._stopping = threading.Event()  # SIGTERM: take nothing new, hand back what is held
        self._closing = threading.Event()  # take nothing new
        self._wake = threading.Event()
        self._decoded: queue.Queue[Assignment] = queue.Queue(maxsize=1)
        self._enhanced: queue.Queue[Assignment] = queue.Queue(maxsize=1)

    def stop(self) -> None:
        """Hand back and end; safe to call from a signal handler."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> int:
        self._beat("loading")
        taking = self._thread(self._take)
        self._thread(self._enhance)
        self._thread(self._encode)
        next_beat = 0.0
        while not self._stopping.is_set():
            if self._broken:
                return self._give_up()
            if hung := self._hung():
                return self._defunct(hung)
            now = self._monotonic()
            if now >= next_beat:
                self._renew()
                self._beat(self._state())
                next_beat = now + self._settings.heartbeat_s
            if self._is_idle():
                self._closing.set()
                taking.join()  # it ends within one long poll, perhaps with a last job in hand
                if not self._desk.held():
                    log.info("idle for %.0f s: the worker ends", self._settings.idle_s)
                    self._beat("draining")
                    return EXIT_OK
                self._closing.clear()
                taking = self._thread(self._take)
            self._wake.wait(min(1.0, self._settings.heartbeat_s))
            self._wake.clear()
            self._tell_progress()
        return self._drain()

    # The stages' threads.

    def _take(self) -> None:
        """Receive, claim, fetch, decode; then leave it for the engine."""
        while not self._closing.is_set() and not self._stopping.is_set():
            if not self._desk.wait_for_room(HELD, timeout_s=0.5):
                continue
            try:
                message = self._ports.queue.receive(
                    wait_s=min(LONG_POLL_S, self._settings.idle_s), visibility_s=self._settings.lease_s
                )
                assignment = self._desk.take(message) if message else None
            except StoreBusy:
                log.exception("the store is busy; trying again")
                self._stopping.wait(1.0)
                continue
            except Exception:
                log.exception("a message could not be taken; it comes again")
                self._stopping.wait(1.0)
                continue
            if assignment is None:
                continue
            self._active = self._monotonic()
            self._wake.set()
            if assignment.solo:
                while not self._desk.wait_until_alone(assignment, timeout_s=0.5):
                    assignment.start("fetching")  # waiting for the others is no slow fetch
            if self._stages.fetch_and_decode(assignment):
                self._hand_on(self._decoded, assignment)

    def _enhance(self) -> None:
        # Loading in this thread: the engine process dies with the thread that started it.
        if not self._load():
            return
        while True:
            assignment = self._decoded.get()
            if self._stages.enhance(assignment):
                self._hand_on(self._enhanced, assignment)
            self._active = self._monotonic()

    def _encode(self) -> None:
        while True:
            assignment = self._enhanced.get()
            if self._stages.encode_and_store(assignment):
                log.info(
                    "job %s done: %s",
                    assignment.job.id,
                    ", ".join(f"{phase} {taken:.2f} s" for phase, taken in assignment.seconds.items()),
                )
                usual.record(self._ports.table, assignment.seconds, megapixels=max(0.01, assignment.facts.megapixels))
            self._active = self._monotonic()
            self._wake.set()

    def _load(self) -> bool:
        try:
            self._engine.start()
        except SetupFailed as fact:
            self._broken.append(str(fact))
            self._wake.set()
            return False
        seconds: dict[Phase, float] = {"loading_model": self._monotonic() - self._started}
        if self._launched_ms is not None:
            seconds["starting_machine"] = max(0.0, (self._heartbeat.started_ms - self._launched_ms) / 1000)
        self._active = self._monotonic()
        with self._beating:
            self._heartbeat = replace(self._heartbeat, ready_ms=self._ports.clock(), engine=self._engine.name)
        log.info("%s engine ready %.2f s after the worker's start", self._engine.name, seconds["loading_model"])
        self._ready.set()
        self._beat(self._state())
        usual.record(self._ports.table, seconds)
        return True

    def _hand_on(self, to: queue.Queue[Assignment], assignment: Assignment) -> None:
        assignment.finish()
        to.put(assignment)

    # What the main thread does between them.

    def _state(self) -> WorkerState:
        if not self._ready.is_set():
            return "loading"
        return "busy" if self._desk.held() else "ready"

    def _beat(self, state: WorkerState, detail: str = "") -> None:
        with self._beating:
            last_job = max([self._heartbeat.last_job_ms, *(one.job.started_ms or 0 for one in self._desk.held())])
            self._heartbeat = replace(
                self._heartbeat, state=state, beat_ms=self._ports.clock(), last_job_ms=last_job, detail=detail
            )
            try:
                beat(self._ports.table, self._heartbeat)
            except StoreBusy:
                log.exception("no heartbeat could be written")

    def _renew(self) -> None:
        for assignment in self._desk.held():
            try:
                self._desk.renew(assignment)
            except StoreBusy:
                log.exception("no lease could be renewed")

    def _tell_progress(self) -> None:
        for assignment in self._desk.held():
            if assignment.stage == "enhancing" and assignment.progress > assignment.job.progress:
                try:
                    self._desk.renew(assignment)
                except StoreBusy:
                    log.exception("no progress could be written")

    def _hung(self) -> Assignment | None:
        """An assignment whose stage outlasts what its own deadlines allow: a thread that nothing can free."""
        allowed = {
            "fetching": STORE_S,
            "storing": STORE_S,
            "decoding": 2 * self._settings.codec_s + STORE_S,
            "encoding": 2 * self._settings.codec_s + STORE_S,
        }
        now = self._monotonic()
        for assignment in self._desk.held():
            limit = allowed.get(assignment.stage)
            if limit and not assignment.parked and now - assignment.stage_since > limit:
                return assignment
        return None

    def _is_idle(self) -> bool:
        return (
            not self._stays
            and self._ready.is_set()
            and not self._desk.held()
            and self._monotonic() - self._active > self._settings.idle_s
        )

    def _give_up(self) -> int:
        log.error("the engine cannot be loaded: %s", self._broken[0])
        self._closing.set()
        self._hand_all_back()
        self._beat("setup_failed", self._broken[0])
        return EXIT_SETUP_FAILED

    def _defunct(self, assignment: Assignment) -> int:
        log.error("job %s hangs in stage %s; the worker ends, its leases lapse", assignment.job.id, assignment.stage)
        self._beat("defunct", f"hung in {assignment.stage}")
        return EXIT_DEFUNCT

    def _drain(self) -> int:
        """SIGTERM: pictures already being written may finish for a moment, everything else goes back in line."""
        self._beat("draining")
        ends = self._monotonic() + GRACE_S
        while self._monotonic() < ends:
            writing = [one for one in self._desk.held() if one.stage in ("encoding", "storing")]
            for assignment in self._desk.held():
                if assignment not in writing:
                    self._desk.hand_back(assignment)
            if not writing:
                break
            self._wake.wait(0.05)
        self._hand_all_back()
        return EXIT_OK

    def _hand_all_back(self) -> None:
        for assignment in self._desk.held():
            self._desk.hand_back(assignment)

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._or_die, args=(work,), name=work.__name__.strip("_"), daemon=True)
        thread.start()
        return thread

    def _or_die(self, work: Callable[[], None]) -> None:
        """A stage that breaks takes the worker with it: better a lapsed lease than a job that waits for ever."""
        try:
            work()
        except BaseException:
            log.exception("a thread of the supervisor broke")
            os._exit(EXIT_DEFUNCT)
