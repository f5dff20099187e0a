"""The process that has imported every decoder and forks a child for each photo; it never reads a photo itself.

    python -m photos.zygote <socket fd> <parent pid> <sandbox mode> <operations module>

    client ──{"address_space", "deadline_s"} + [status, call, photo, …]──▶ zygote ──fork──▶ child
    client ◀────────────── status: how the child ended ────────────────── zygote
    client ◀──────────────────────── call: request, answer ─────────────────────────────▶ child

It ends when the client's socket closes or the client's process ends, and its children with it. A child ends when its
deadline passes or the client hangs up on its status.
"""

import contextlib
import errno
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass

from photos import child
from photos.record import Record
from photos.sandbox import Allowance, Filter
from photos.trial import SandboxRefused, layers
from photos.wire import WireBroken, receive, send

_CLIENT, _CHILD_ENDED, _PARENT_ENDED = "client", "child ended", "parent ended"
_CLIENT_STALLS_S = 5.0  # longer than any client that lives takes from a message's first byte to its last


@dataclass(slots=True, kw_only=True)
class _Child:
    pid: int
    status: socket.socket
    deadline: float
    overran: bool = False
    abandoned: bool = False


class Zygote:
    """Forks children on request and tells how each ended."""

    def __init__(self, client: socket.socket, *, operations: str, locked: bool, filter_: Filter | None) -> None:
        self._client = client
        self._operations = operations
        self._locked = locked
        self._filter = filter_
        self._children: dict[int, _Child] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(client, selectors.EVENT_READ, _CLIENT)

    def serve(self, parent_pid: int) -> None:
        """Until the client or its process ends."""
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake, selectors.EVENT_READ, _CHILD_ENDED)
        self._watch_parent(parent_pid)
        running = True
        while running:
            for key, _ in self._selector.select(self._patience()):
                if key.data == _CLIENT:
                    running = self._accept()
                elif key.data == _PARENT_ENDED:
                    running = False
                elif key.data == _CHILD_ENDED:
                    _drain(wake)
                else:  # the client hung up on this child, or says what it should not
                    self._kill(key.data)
            self._reap()
            self._kill_late()
        for each in self._children.values():
            os.kill(each.pid, signal.SIGKILL)

    def _watch_parent(self, parent_pid: int) -> None:
        if hasattr(os, "pidfd_open"):
            try:
                self._selector.register(os.pidfd_open(parent_pid), selectors.EVENT_READ, _PARENT_ENDED)
            except OSError as error:
                if error.errno not in {errno.ENOSYS, errno.EPERM, errno.EINVAL}:  # an old kernel; the socket tells too
                    raise

    def _patience(self) -> float | None:
        """Seconds until the next deadline; None to wait for events only."""
        deadlines = [each.deadline for each in self._children.values() if not each.overran]
        return max(0.0, min(deadlines) - time.monotonic()) if deadlines else None

    def _accept(self) -> bool:
        """Fork a child for the client's next request; False when the client has gone."""
        fds: list[int] = []
        try:
            message = receive(self._client, fds)
        except (WireBroken, OSError):
            return False
        if message is None:
            return False
        request = Record(message)
        allowance = Allowance(
            address_space=request.integer("address_space", 1, 1 << 50),
            cpu_s=request.number("deadline_s", 0, 1e6),
        )
        status, call, *photo = fds
        status_socket, call_socket = socket.socket(fileno=status), socket.socket(fileno=call)
        for each in (status_socket, call_socket):
            each.setblocking(True)  # a client on gevent hands over non-blocking ones
        zygote_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            send(status_socket, {"fork": error.errno or 0})
            status_socket.close()
        else:
            if pid == 0:
                child.run(
                    call_socket,
                    photo,
                    zygote_pid=zygote_pid,
                    operations=self._operations,
                    allowance=allowance,
                    locked=self._locked,
                    filter_=self._filter,
                )
            born = _Child(pid=pid, status=status_socket, deadline=time.monotonic() + allowance.cpu_s)
            self._children[pid] = born
            self._selector.register(status_socket, selectors.EVENT_READ, born)
        call_socket.close()
        for fd in photo:
            os.close(fd)
        return True

    def _kill(self, each: _Child) -> None:
        if each.pid in self._children:
            os.kill(each.pid, signal.SIGKILL)
            self._selector.unregister(each.status)
            each.abandoned = True

    def _kill_late(self) -> None:
        now = time.monotonic()
        for each in self._children.values():
            if not each.overran and each.deadline <= now:
                each.overran = True
                os.kill(each.pid, signal.SIGKILL)

    def _reap(self) -> None:
        while self._children:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            if pid == 0:
                return
            self._report(self._children.pop(pid), status, usage.ru_utime + usage.ru_stime)

    def _report(self, each: _Child, status: int, cpu_s: float) -> None:
        exit_code = os.waitstatus_to_exitcode(status)
        if not each.abandoned:
            self._selector.unregister(each.status)
        message: dict[str, object] = {
            "exit": max(0, exit_code),
            "signal": max(0, -exit_code),
            "overran": each.overran,
            "cpu_s": round(cpu_s, 3),
        }
        with contextlib.suppress(OSError):  # the client may have hung up and not want to know
            send(each.status, message)
        each.status.close()


def _drain(wake: int) -> None:
    try:
        while os.read(wake, 512):
            pass
    except BlockingIOError:
        return


def _own_signals() -> None:
    """Undo what was inherited, and leave the time of our end to the client: whoever stops it and its whole group, from
    Ctrl-C to a service manager, lets it finish the photo it has.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main(arguments: list[str]) -> None:
    gc.disable()  # what is imported stays: nothing would be found
    fd, parent_pid, mode, operations = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3]
    _own_signals()
    client = socket.socket(fileno=fd)
    client.settimeout(_CLIENT_STALLS_S)
    importlib.import_module(operations).prepare()
    try:
        filter_, missing = layers(mode)
    except SandboxRefused as refused:
        send(client, {"refused": str(refused)})
        return
    gc.freeze()  # children share these objects; a collection would copy their pages
    gc.enable()
    send(client, {"ready": True, "missing": missing})
    Zygote(client, operations=operations, locked=mode != "off", filter_=filter_).serve(parent_pid)


if __name__ == "__main__":
    main(sys.argv[1:])
