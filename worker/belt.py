"""The belt that photos move on: three threads, one a stage, and a place for one photo between each two.

    take (receive, claim, fetch, decode) ─▶ ▢ ─▶ enhance ─▶ ▢ ─▶ encode and store

While a photo is enhanced the next is fetched and decoded and the last is encoded and stored.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable

from jobs import usual
from jobs.errors import StoreBusy
from jobs.ports import Ports
from jobs.queue import Message
from jobs.settings import Settings
from photos.codec import Codec
from photos.errors import CodecDied, SandboxUnavailable
from worker.assignment import Assignment
from worker.desk import Desk
from worker.engine import EngineProcess, SetupFailed
from worker.milestones import Milestones
from worker.stages import Stages

log = logging.getLogger(__name__)

HELD = 3  # jobs in hand at once: one before the engine, one in it, one behind it
LONG_POLL_S = 2.0
AGAIN_S = 1.0  # pause after a store that could not be reached
EXIT_BROKEN = 70


class Belt:
    """Runs until the process ends. `news` is set whenever the supervisor should look."""

    def __init__(
        self,
        settings: Settings,
        ports: Ports,
        desk: Desk,
        stages: Stages,
        engine: EngineProcess,
        codec: Codec,
        milestones: Milestones,
        *,
        held: int = HELD,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._desk = desk
        self._stages = stages
        self._engine = engine
        self._codec = codec
        self._milestones = milestones
        self._held = held
        self._monotonic = monotonic
        self._decoded: queue.Queue[Assignment] = queue.Queue(maxsize=1)
        self._enhanced: queue.Queue[Assignment] = queue.Queue(maxsize=1)
        self._closed = threading.Event()
        self._claiming = threading.Lock()
        self._ended = False
        self._polling = False
        self._codec_known = threading.Event()  # whether photos can be decoded here
        self._taking: threading.Thread | None = None
        self._active = monotonic()
        self.news = threading.Event()
        self.ready = threading.Event()
        self.broken: str | None = None  # why photos cannot be decoded or enhanced here

    def start(self, loaded: Callable[[str], None]) -> None:
        """Start all three; `loaded` hears the engine's name once it is. Photos are fetched while it still loads."""
        self._thread(lambda: self._enhance(loaded), "enhance")
        self._thread(self._encode, "encode")
        self._thread(self._warm_codec, "codec")
        self.open()

    def close(self) -> None:
        """Take nothing new. A photo that came with the last long poll is still taken in hand."""
        self._closed.set()

    def end(self) -> None:
        """Take nothing new for good; what still comes with the last long poll goes back in line. Claims end first."""
        with self._claiming:
            self._ended = True
        self._closed.set()

    @property
    def awaited(self) -> bool:
        """Whether a poll goes on that must be heard out, or its message would be nobody's for a whole lease."""
        return self._polling and self._ports.queue.lingers

    @property
    def closed(self) -> bool:
        """Whether the last photo has been taken in hand, and nothing new will be."""
        return self._closed.is_set() and self._taking is not None and not self._taking.is_alive()

    def open(self) -> None:
        """Take photos, at first or again."""
        self._closed.clear()
        self._taking = self._thread(self._take, "take")

    def idle_s(self) -> float:
        """Seconds since readiness or the last accepted job, whichever is later (S9); 0 while there is work."""
        return 0.0 if self._desk.held() or not self.ready.is_set() else self._monotonic() - self._active

    def _warm_codec(self) -> None:
        try:
            self._codec.warm()
        except SandboxUnavailable as fact:
            self._break(str(fact))
        except CodecDied:
            log.exception("the codec did not start; the first photo starts it again")
        else:
            self._milestones.reached("codec_ready")
        finally:
            self._codec_known.set()

    def _codec_is_there(self) -> bool:
        """Wait for the codec to start; False when the belt is broken."""
        self._codec_known.wait()
        return self.broken is None

    def _take(self) -> None:
        while not self._closed.is_set() and self.broken is None:
            assignment = self._next() if self._desk.wait_for_room(self._held, timeout_s=0.5) else None
            if assignment is None:
                continue
            self._active = self._monotonic()
            self.news.set()
            if assignment.solo:
                while not self._desk.wait_until_alone(assignment, timeout_s=0.5):
                    assignment.start("fetching")  # waiting for the others is no slow fetch
            if not self._stages.fetch(assignment):
                continue
            assignment.finish()
            if not self._codec_is_there():
                return  # the supervisor hands back what is held, with its attempt
            if self._stages.decode(assignment):
                self._milestones.reached("first_decode")
                self._hand_on(self._decoded, assignment)

    def _next(self) -> Assignment | None:
        with self._claiming:
            if self._ended:
                return None
            self._polling = True
        try:
            message = self._ports.queue.receive(
                wait_s=min(LONG_POLL_S, self._settings.idle_s), visibility_s=self._settings.lease_s
            )
            if message is None:
                return None
            self._milestones.reached("first_receive")
            return self._claimed(message)
        except StoreBusy:
            log.exception("the store is busy; trying again")
        except Exception:
            log.exception("a message could not be taken; it comes again")
        finally:
            self._polling = False
        self._closed.wait(AGAIN_S)
        return None

    def _claimed(self, message: Message) -> Assignment | None:
        with self._claiming:
            if not self._ended:
                return self._desk.take(message)
        self._ports.queue.change_visibility(message, 0)
        return None

    def _enhance(self, loaded: Callable[[str], None]) -> None:
        # Waited for in the thread that starts it again: the engine process dies with that one.
        if not self._engine_is_there():
            return
        self._active = self._monotonic()
        loaded(self._engine.name)  # before anybody can say that it is ready, so that nobody says so without its time
        self.ready.set()
        self.news.set()
        while True:
            assignment = self._decoded.get()
            if not assignment.lost.is_set() and not self._engine_is_there():
                return  # the supervisor hands back what is held, with its attempt
            if self._stages.enhance(assignment):
                self._hand_on(self._enhanced, assignment)
            self._active = self._monotonic()

    def _engine_is_there(self) -> bool:
        """Have the engine loaded, again where it was lost; False breaks the belt."""
        try:
            self._engine.start()
        except SetupFailed as fact:
            self._break(str(fact))
            return False
        return True

    def _encode(self) -> None:
        while True:
            assignment = self._enhanced.get()
            if self._stages.encode_and_store(assignment):
                self._milestones.reached("first_result")
                steps = ", ".join(f"{phase} {taken:.2f} s" for phase, taken in assignment.seconds.items())
                log.info("job %s done: %s", assignment.job.id, steps)
                self._record(assignment)
            self._active = self._monotonic()
            self.news.set()

    def _record(self, assignment: Assignment) -> None:
        try:
            flavour, megapixels = self._milestones.flavour, assignment.facts.megapixels
            usual.record(self._ports.table, assignment.seconds, flavour=flavour, megapixels=megapixels)
        except StoreBusy:
            log.exception("the times of job %s are not recorded", assignment.job.id)

    def _break(self, why: str) -> None:
        self.broken = why
        self.news.set()

    def _hand_on(self, to: queue.Queue[Assignment], assignment: Assignment) -> None:
        assignment.finish()
        to.put(assignment)

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        def work_or_die() -> None:
            # A stage that breaks takes the worker with it: better a lapsed lease than a job that waits for ever.
            try:
                work()
            except BaseException:
                log.exception("a thread of the worker broke")
                os._exit(EXIT_BROKEN)

        thread = threading.Thread(target=work_or_die, name=name, daemon=True)
        thread.start()
        return thread
