"""A simulated worker: boots, loads, takes one photo after another, and ends as `worker.supervisor` does.

launched ─▶ loading ─▶ ready ⇄ busy ─▶ draining ─▶ gone: idle, a notice from EC2, or terminated
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.simulation.agenda import Agenda
from fleet.simulation.outcome import Life
from fleet.stand_in.instances import Instance
from jobs import usual
from jobs.heartbeat import Heartbeat, WorkerState, beat
from jobs.job import Result
from jobs.patience import has_waited_enough, read_patience
from jobs.ports import Ports
from jobs.queue import Message
from jobs.settings import Settings
from jobs.transitions import NotClaimable, claim, hand_back, publish, renew

FINISHES_MS = 4500  # what a photo may still take after a notice
SAME_BEATS = 3  # of heartbeats that say the same every third is written: less to simulate, still fresh to everybody
MEASURED = 64  # photos whose lengths a worker records: later ones would hardly move a median
MEGAPIXELS = 12.0
FLAVOUR = "simulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things take on this machine, seconds. `work_s` tells it for each job."""

    boot_s: float
    load_s: float
    end_s: float
    work_s: Callable[[str], float]


class Worker:
    """On one instance. `changed` is called when somebody who looks at the fleet would see something new."""

    def __init__(
        self,
        instance: Instance,
        pace: Pace,
        ports: Ports,
        agenda: Agenda,
        settings: Settings,
        *,
        done: Callable[[str], object],
        changed: Callable[[], object],
        gone: Callable[[str, str], object],
        ready: Callable[[], object] = bool,
        bridge: bool = False,
    ) -> None:
        self._instance, self._pace, self._ports, self._agenda, self._settings = instance, pace, ports, agenda, settings
        self._done, self._changed, self._gone, self._first = done, changed, gone, ready
        self._state: WorkerState = "starting"
        self._sign = Heartbeat(
            worker=instance.id,
            slot=int(instance.tags[SLOT_TAG]),
            epoch=int(instance.tags[EPOCH_TAG]),
            state="starting",
            started_ms=0,
            beat_ms=0,
            bridge=bridge,
        )
        self._flavour = usual.BRIDGE if bridge else FLAVOUR
        self._active_ms = 0
        self._job: tuple[Message, str, int] | None = None  # message, lease token, when it will be done
        self._taken, self._taken_ms = 0, 0
        self._first_ms, self._worked_s, self._left_ms = 0, 0.0, 0
        self.ended = False
        agenda.after(pace.boot_s, self._start)

    def lived(self, life: Life) -> Life:
        """The life of its machine, with what this worker did in it so far."""
        now = self._agenda()
        return replace(
            life,
            ready_ms=self._sign.ready_ms,
            first_ms=self._first_ms,
            last_ms=now if self._job else self._active_ms,
            left_ms=self._left_ms if self.ended else now,
            worked_s=self._worked_s + ((now - self._taken_ms) / 1000 if self._job else 0.0),
        )

    @property
    def is_ready(self) -> bool:
        return self._sign.ready_ms > 0 and not self.ended

    @property
    def is_free(self) -> bool:
        return self.is_ready and self._job is None

    def take(self) -> None:
        """The next photo, if there is one and nothing in hand."""
        while self.is_free and (message := self._ports.queue.receive(wait_s=0.0, visibility_s=self._settings.lease_s)):
            if not self._claimed(message):
                self._ports.queue.delete(message)

    def _claimed(self, message: Message) -> bool:
        """Whether the photo of this message is now in hand."""
        self._taken, self._taken_ms = self._taken + 1, self._agenda()
        token, now, terms = f"{self._sign.worker}-{self._taken}", self._agenda(), self._ports.ledger.terms
        try:
            held = self._ports.ledger.change(
                message.body, lambda job: claim(job, token=token, holder=self._sign.worker, now=now, terms=terms)
            )
        except NotClaimable:
            held = None
        if held is None:
            return False
        self._first_ms = self._first_ms or now
        work_s = self._pace.work_s(message.body)
        self._job = message, token, now + round(work_s * 1000)
        self._sign = replace(self._sign, last_job_ms=max(held.created_ms, self._sign.last_job_ms))
        self._agenda.after(work_s, lambda: self._finish(token, work_s))
        return True

    def heed(self) -> None:
        """A notice: finish if it fits, else hand back; then end."""
        if self.ended:
            return
        if self._job is not None and self._job[2] - self._agenda() <= FINISHES_MS:
            self._agenda.at(self._job[2], self._end)
        else:
            self._end("spot interruption")

    def die(self) -> None:
        """The machine is told to shut down by EC2, so the worker hands back at once; nothing when it has ended."""
        self._end("terminated", leaves=False)

    def _start(self) -> None:
        if self.ended:
            return
        self._sign = replace(self._sign, started_ms=self._agenda())
        self._beat("loading")
        self._agenda.after(self._pace.load_s, self._ready)
        self._agenda.after(self._settings.heartbeat_s, self._keep_beating)

    def _ready(self) -> None:
        if self.ended:
            return
        self._sign = replace(self._sign, ready_ms=self._agenda())
        self._active_ms = self._agenda()
        waited_s = (self._sign.started_ms - self._instance.launched_ms) / 1000
        usual.record(
            self._ports.table, {"starting_machine": waited_s, "loading_model": self._pace.load_s}, flavour=self._flavour
        )
        self._first()
        self.take()
        self._beat(self._state_now())
        self._agenda.after(self._least_s(), self._look_at_the_clock)

    def _finish(self, token: str, work_s: float) -> None:
        if self._job is None or self._job[1] != token:
            return
        message, _, _ = self._job
        now, terms = self._agenda(), self._ports.ledger.terms
        self._ports.ledger.change(
            message.body, lambda job: publish(job, token=token, result=RESULT, now=now, terms=terms)
        )
        self._ports.queue.delete(message)
        self._job, self._active_ms = None, now
        self._worked_s += (now - self._taken_ms) / 1000
        self._sign = replace(self._sign, rested_ms=now)
        if self._taken <= MEASURED:
            usual.record(self._ports.table, {"enhancing": work_s}, flavour=self._flavour, megapixels=MEGAPIXELS)
        self._done(message.body)
        self.take()

    def _keep_beating(self, same: int = 0) -> None:
        if self.ended:
            return
        if self._job is not None:
            self._renew(*self._job[:2])
        state = self._state_now()
        news_ms = max(self._active_ms, self._taken_ms)
        is_same = state == self._sign.state and news_ms < self._sign.beat_ms
        if not is_same or same + 1 >= SAME_BEATS:
            self._beat(state, news=not is_same)
            same = -1
        self._agenda.after(self._settings.heartbeat_s, lambda: self._keep_beating(same + 1))

    def _renew(self, message: Message, token: str) -> None:
        now, terms = self._agenda(), self._ports.ledger.terms
        self._ports.ledger.change(message.body, lambda job: renew(job, token=token, now=now, terms=terms))
        self._ports.queue.change_visibility(message, self._settings.lease_s)

    def _state_now(self) -> WorkerState:
        if not self._sign.ready_ms:
            return "loading"
        return "busy" if self._job is not None else "ready"

    def _beat(self, state: WorkerState, detail: str = "", *, news: bool = True) -> None:
        self._sign = replace(self._sign, state=state, beat_ms=self._agenda(), detail=detail)
        beat(self._ports.table, self._sign)
        if news:
            self._changed()

    def _least_s(self) -> float:
        return self._settings.idle_least_s or self._settings.idle_s

    def _look_at_the_clock(self) -> None:
        if self.ended:
            return
        idle_s = 0.0 if self._job else (self._agenda() - self._active_ms) / 1000
        if has_waited_enough(self._settings, idle_s, advised_s=self._advised_s):
            self._end()
            return
        self._agenda.after(max(1.0, self._least_s() - idle_s), self._look_at_the_clock)

    def _advised_s(self) -> float:
        patience = read_patience(self._ports.table)
        return patience.advised_s(self._settings, last_job_ms=self._sign.last_job_ms, rested_ms=self._sign.rested_ms)

    def _end(self, detail: str = "", *, leaves: bool = True) -> None:
        if self.ended:
            return
        self.ended, self._left_ms = True, self._agenda()
        if self._job is not None:
            message, token, _ = self._job
            now = self._agenda()
            self._active_ms = now
            self._worked_s += (now - self._taken_ms) / 1000
            self._ports.ledger.change(message.body, lambda job: hand_back(job, token=token, now=now))
            self._ports.queue.change_visibility(message, 0)
            self._job = None
        self._beat("draining", detail)
        why = "Client.InstanceInitiatedShutdown"
        if leaves:
            self._agenda.after(self._pace.end_s, lambda: self._gone(self._instance.id, why))


RESULT = Result(key="out", size=0, sha256="", media_type="image/jpeg", width=4000, height=3000, ratio=1.0)
