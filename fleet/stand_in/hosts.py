"""The hosts behind the stand-in's instances: each boots, runs a real worker, and powers off when the worker ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from fleet.requests import EPOCH_TAG, SLOT_TAG
from fleet.stand_in.instances import Instance

GRACE_S = 10.0  # between SIGTERM and SIGKILL, as a host that shuts down gives its services
log = logging.getLogger(__name__)


class Hosts:
    """Thread-safe. `powered_off` is told once a worker has ended, `environ` gives each worker its environment."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Callable[[Instance], Mapping[str, str]],
        powered_off: Callable[[str], None],
        logs: Path,
        boot_s: float = 0.0,
    ) -> None:
        self._command = list(command)
        self._environ = environ
        self._powered_off = powered_off
        self._logs = logs
        self._boot_s = boot_s
        self._lock = threading.Lock()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ends: dict[str, threading.Event] = {}

    def start(self, instance: Instance) -> None:
        """Boot, in a thread of its own."""
        ends = threading.Event()
        with self._lock:
            self._ends[instance.id] = ends
        threading.Thread(target=self._live, args=(instance, ends), name=instance.id, daemon=True).start()

    def end(self, instance: Instance) -> None:
        """Shut down; an interruption that nobody announced pulls the plug."""
        with self._lock:
            ends, worker = self._ends.get(instance.id), self._running.get(instance.id)
        if ends is not None:
            ends.set()
        if worker is None or worker.poll() is not None:
            return
        if instance.why.startswith("Server.") and instance.notice_ms is None:
            _signal(worker, signal.SIGKILL)
            return
        with suppress(ProcessLookupError):
            worker.terminate()
        killer = threading.Timer(GRACE_S, _signal, (worker, signal.SIGKILL))
        killer.daemon = True
        killer.start()

    def end_all(self) -> None:
        """Pull every plug, and wait until all are dark."""
        with self._lock:
            for ends in self._ends.values():
                ends.set()
            workers = list(self._running.values())
        for worker in workers:
            _signal(worker, signal.SIGKILL)
        for worker in workers:
            worker.wait(timeout=GRACE_S)

    def worker(self, name: str) -> int | None:
        """The process id of an instance's worker, while it runs."""
        with self._lock:
            worker = self._running.get(name)
        return worker.pid if worker is not None and worker.poll() is None else None

    def _live(self, instance: Instance, ends: threading.Event) -> None:
        if ends.wait(self._boot_s):
            return
        self._logs.mkdir(parents=True, exist_ok=True)
        launch = ["--slot", instance.tags[SLOT_TAG], "--epoch", instance.tags[EPOCH_TAG]]
        with self._logs.joinpath(f"{instance.id}.log").open("ab") as said:
            try:
                with self._lock:
                    if ends.is_set():
                        return
                    worker = subprocess.Popen(
                        [*self._command, *launch],
                        env=dict(self._environ(instance)),
                        stdin=subprocess.DEVNULL,
                        stdout=said,
                        stderr=said,
                        start_new_session=True,
                    )
                    self._running[instance.id] = worker
            except OSError:
                log.exception("instance %s cannot start its worker", instance.id)
                self._powered_off(instance.id)
                return
            status = worker.wait()
        _signal(worker, signal.SIGKILL)  # an engine that outlived its supervisor
        log.info("instance %s powers off: its worker ended with %d", instance.id, status)
        self._powered_off(instance.id)


def _signal(worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the worker's whole group, of which it is the leader."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(worker.pid, number)
