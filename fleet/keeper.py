"""The host of one worker on a laptop: bounds its log and its age, ends what it leaves behind, notes how it ended.

Runs as a program of its own (`python keeper.py`, its order on stdin, standard library only) and outlives whoever
launched it, so a machine's hard age is kept even when no tick runs (L2). Keeper and worker hold the slot's lock; the
slot is free when both are gone.

    SIGTERM ─▶ the worker gets SIGTERM, and after `grace_s` its whole process group gets SIGKILL
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LOG_BYTES = 1_000_000  # of the log in use; one older of the same size stays beside it


def note(path: Path, facts: dict[str, Any]) -> None:
    """Write the slot's record, whole or not at all. Only those who hold the slot's lock may."""
    arriving = path.with_suffix(f".{os.getpid()}")
    arriving.write_text(json.dumps(facts))
    arriving.replace(path)


class Log:
    """The last megabyte or two of what the worker said."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size if path.exists() else 0

    def write(self, words: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk loses log lines, not the worker
            if self._size > LOG_BYTES:
                self._path.replace(self._path.with_suffix(".log.1"))
                self._size = 0
            with self._path.open("ab") as file:
                file.write(words)
            self._size += len(words)


def keep(order: dict[str, Any]) -> int:
    """Run the worker until it ends or must end; its exit status, negative for a signal."""
    record, log = Path(order["record"]), Log(Path(order["log"]))
    facts = {"epoch": order["epoch"], "launched_ms": order["launched_ms"], "keeper": os.getpid(), "worker": None}
    note(record, facts)
    asked: list[int] = []
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    signal.signal(signal.SIGCHLD, lambda _, __: None)
    said, says = os.pipe()
    try:
        worker = subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=says,
            stderr=says,
            env=_environ(order["settings"]),
            start_new_session=True,
            pass_fds=[order["lock"]],
        )
    except OSError as error:
        log.write(f"cannot start {order['command'][0]}: {error}\n".encode())
        note(record, facts | {"exit": 127})
        return 127
    os.close(says)
    note(record, facts | {"worker": worker.pid})
    ends = time.monotonic() + order["hard_age_s"]
    told = False
    watched = [woken, said]
    while worker.poll() is None:
        ready, _, _ = select.select(watched, [], [], max(0.0, ends - time.monotonic()))
        if woken in ready:
            os.read(woken, 4096)
        if said in ready:
            if words := os.read(said, 65536):
                log.write(words)
            else:
                watched.remove(said)  # it closed its output, and lives on
        if asked and not told:
            told = True
            ends = min(ends, time.monotonic() + order["grace_s"])
            worker.terminate()
        if time.monotonic() >= ends:
            _end_group(worker.pid)
            ends = time.monotonic() + 1.0
    _end_group(worker.pid)  # an engine or a decoder that outlived its supervisor
    os.set_blocking(said, False)
    with contextlib.suppress(BlockingIOError):
        while words := os.read(said, 65536):
            log.write(words)
    note(record, facts | {"worker": worker.pid, "exit": worker.returncode})
    return worker.returncode


def _environ(settings: dict[str, str]) -> dict[str, str]:
    """What the launcher had, with its settings, and our rooms importable from wherever it was started."""
    inherited = dict(os.environ)  # noqa: TID251 — an entry point
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [root, inherited.get("PYTHONPATH")]))
    return inherited | settings | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}  # `./worker` elsewhere is not ours


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so by EPERM
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(abs(keep(json.load(sys.stdin))))
