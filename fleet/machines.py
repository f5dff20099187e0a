"""Machines that run workers: what a fleet promises, and the fleets of a laptop, child processes or none at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from fleet import keeper
from jobs.clock import Clock
from jobs.errors import FirstlightError

PAUSE_S = 0.05
log = logging.getLogger(__name__)


class NoCapacity(FirstlightError):
    """No machine is to be had now, nor before `again_ms`. With `others`, elsewhere there may be one at once.

    `answered` False: the fleet was not asked, or has not taken note; this very epoch must be tried again.
    """

    def __init__(self, detail: str, *, again_ms: int = 0, others: bool = False, answered: bool = True) -> None:
        self.again_ms = again_ms
        self.others = others
        self.answered = answered
        super().__init__(detail)


class LaunchRefused(FirstlightError):
    """The launch cannot succeed until the operator changes something. `answered` as in NoCapacity."""

    def __init__(self, detail: str, *, answered: bool = True) -> None:
        self.answered = answered
        super().__init__(detail)


class SlotTaken(FirstlightError):
    """The slot has a machine, or this epoch had its launch; `epoch` is the newest that the fleet knows."""

    def __init__(self, slot: int, epoch: int) -> None:
        self.epoch = epoch
        super().__init__(f"slot {slot} is at epoch {epoch}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that runs or is about to. `launched_ms` is wall-clock milliseconds UTC; `name` is the fleet's own.

    `usd_per_hour` is what it counts against the daily budget.
    """

    slot: int
    epoch: int
    launched_ms: int
    name: str
    usd_per_hour: float = 0.0


class Fleet(Protocol):
    """At most one machine per slot, and one launch per slot and epoch, whoever calls at once (S7).

    Any call may raise StoreBusy, when the fleet cannot be reached in time.
    """

    def machines(self) -> list[Machine]:
        """Every machine that is not gone, from the return of its launch on. One that has ended is gone at once."""

    def launch(self, slot: int, epoch: int) -> Machine:
        """Start a machine, without waiting for it. Raises NoCapacity, LaunchRefused, SlotTaken.

        After StoreBusy nobody knows whether it was started: the same epoch must be tried again, and tells.
        """

    def stop(self, machine: Machine, *, kill: bool) -> None:
        """Ask the machine to end, or with `kill` end it now; returns at once. One already gone is fine.

        One that was launched this very moment may have to be told again.
        """

    def was_taken(self, slot: int, epoch: int) -> bool:
        """Whether the machine of this epoch, gone by now, was taken from us: an interruption is no failed set-up."""

    def stop_all(self) -> None:
        """Ask every machine to end and wait for it; end those that do not within the fleet's grace."""


class NoFleet:
    """Somebody else runs the workers: there is nothing to list, and nothing is launched or stopped."""

    def machines(self) -> list[Machine]:
        return []

    def launch(self, slot: int, epoch: int) -> Machine:  # noqa: ARG002 — the port's words
        raise LaunchRefused("FLEET=none: starts no machines")

    def stop(self, machine: Machine, *, kill: bool) -> None:
        """There is none to stop."""

    def was_taken(self, slot: int, epoch: int) -> bool:  # noqa: ARG002 — the port's words
        return False

    def stop_all(self) -> None:
        """There is none to stop."""


class LocalFleet:
    """Machines that are child processes: a keeper and its worker (fleet.keeper), in sessions of their own.

    In the folder each slot has `<slot>.lock`, an flock that keeper and worker hold for life, `<slot>.json`, the record
    of who they are, and `<slot>.log`. They outlive the launcher. Only a holder of the lock writes the record.
    """

    # The process's, not one fleet's: a keeper must be collected even when the fleet that launched it is forgotten.
    _children: ClassVar[list[subprocess.Popen[bytes]]] = []
    _burying: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        folder: str | Path,
        *,
        clock: Clock,
        settings: Mapping[str, str] | None = None,
        command: Sequence[str] = (f"{sys.prefix}/bin/python", "-m", "worker"),
        hard_age_s: float = 12 * 3600.0,
        grace_s: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = Path(folder).absolute()
        self._clock = clock
        self._settings = dict(settings or {})
        self._command = list(command)
        self._hard_age_s = hard_age_s
        self._grace_s = grace_s
        self._sleep = sleep

    def machines(self) -> list[Machine]:
        self._bury()
        slots = sorted(int(lock.stem) for lock in self._folder.glob("*.lock") if lock.stem.isdecimal())
        records = {slot: self._record(slot) for slot in slots if self._is_held(slot)}
        return [_machine(slot, record) for slot, record in records.items() if record]

    def launch(self, slot: int, epoch: int) -> Machine:
        self._bury()
        with self._lock(slot) as lock:
            record = self._record(slot)
            if record is not None and record["epoch"] >= epoch:
                raise SlotTaken(slot, record["epoch"])
            launched = {"epoch": epoch, "launched_ms": self._clock(), "keeper": None}
            keeper.note(self._path(slot, "json"), launched)
            order = launched | {
                "lock": lock,
                "record": str(self._path(slot, "json")),
                "log": str(self._path(slot, "log")),
                "hard_age_s": self._hard_age_s,
                "grace_s": self._grace_s,
                "command": [*self._command, "--slot", str(slot), "--epoch", str(epoch)],
                "settings": self._settings,
            }
            try:
                child = _started(order)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.ENOMEM):
                    raise NoCapacity(f"this computer cannot start another process: {error}") from error
                raise LaunchRefused(f"the worker cannot be started: {error}") from error
            with self._burying:
                self._children.append(child)
            return _machine(slot, launched)

    def stop(self, machine: Machine, *, kill: bool) -> None:
        record = self._record(machine.slot)
        if record is None or record["epoch"] != machine.epoch or not self._is_held(machine.slot):
            return
        if not kill and _signalled(record["keeper"], signal.SIGTERM):
            return  # it tells the worker, and ends it after the grace
        if record.get("worker"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(record["worker"], signal.SIGKILL if kill else signal.SIGTERM)
        if kill:  # a keeper that is about to start its worker has to end it, so it must live
            _signalled(record["keeper"], signal.SIGKILL if record.get("worker") else signal.SIGTERM)

    def was_taken(self, slot: int, epoch: int) -> bool:  # noqa: ARG002 — the port's words
        return False

    def stop_all(self) -> None:
        for step in range(int((self._grace_s + 5.0) / PAUSE_S)):
            machines = self.machines()
            if not machines:
                return
            overdue = step * PAUSE_S > self._grace_s + 1.0  # the keeper itself does not answer
            if overdue or step % 5 == 0:
                for machine in machines:
                    self.stop(machine, kill=overdue)
            self._sleep(PAUSE_S)
        log.error("these machines do not end: %s", ", ".join(machine.name for machine in self.machines()))

    @contextmanager
    def _lock(self, slot: int) -> Iterator[int]:
        """The slot's lock as a descriptor. Whoever inherits it holds the lock on. Raises SlotTaken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path(slot, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for tries_left in range(5, -1, -1):  # somebody who only looks holds it for microseconds
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not tries_left:
                        record = self._record(slot)
                        raise SlotTaken(slot, record["epoch"] if record else 0) from None
                    self._sleep(0.001)
            yield lock
        finally:
            os.close(lock)

    def _is_held(self, slot: int) -> bool:
        try:
            lock = os.open(self._path(slot, "lock"), os.O_RDONLY | os.O_CLOEXEC)  # on a read-only disk, too
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _record(self, slot: int) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._path(slot, "json").read_text())
        except FileNotFoundError:
            return None
        except ValueError:  # a power cut can leave it empty; no machine survives one
            log.warning("the record of slot %d cannot be read and is made anew", slot)
            return None
        return record

    def _path(self, slot: int, kind: str) -> Path:
        return self._folder / f"{slot}.{kind}"

    def _bury(self) -> None:
        """Collect the keepers that have exited, so that none stays a zombie."""
        with self._burying:
            self._children[:] = [child for child in self._children if child.poll() is None]


def _started(order: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    """A keeper with its order, which comes through a pipe: others may read a command line."""
    reads, writes = os.pipe()
    try:
        os.write(writes, json.dumps(order).encode())
        os.close(writes)
        return subprocess.Popen(
            [f"{sys.prefix}/bin/python", "-I", "-S", keeper.__file__],
            stdin=reads,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[order["lock"]],
        )
    finally:
        os.close(reads)


def _machine(slot: int, record: Mapping[str, Any]) -> Machine:
    return Machine(
        slot=slot, epoch=record["epoch"], launched_ms=record["launched_ms"], name=f"{slot}-{record['epoch']}"
    )


def _signalled(pid: int | None, number: signal.Signals) -> bool:
    if pid is None:  # launched this very moment
        return False
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):  # it is gone; somebody else's process may have its number
        return False
    return True
