"""The forked process that reads one photo, answers once, and ends."""

import importlib
import mmap
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import NoReturn

from photos.record import Record
from photos.sandbox import Allowance, Filter, close_all_but, die_with_parent, enter, limit
from photos.wire import frame, receive

FAILED = 3

Perform = Callable[[Record, Sequence[mmap.mmap]], dict[str, object]]


def run(
    call: socket.socket,
    fds: Sequence[int],
    *,
    zygote_pid: int,
    operations: str,
    allowance: Allowance,
    locked: bool,
    filter_: Filter | None,
) -> NoReturn:
    """Serve one call in this forked process: read the request, map the descriptors, be locked in, answer, end.

    Once locked in, its only descriptors are 0 and 2, which lead nowhere, and 1, its answer. The exit status is
    0 after an answer, {"failed": …} included, and FAILED if not even that could be said.
    """
    status = FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with_parent(zygote_pid)
        close_all_but([call.fileno(), *fds])
        perform: Perform = importlib.import_module(operations).perform
        request = receive(call)
        maps = _mapped(fds, Record(request))
        _offer_to_the_oom_killer()
        os.dup2(call.fileno(), 1)
        os.dup2(0, 2)  # libraries print what the photo says
        close_all_but(())  # the maps stay: not even the photo's own descriptor can be written to or mapped anew
        if locked:
            enter(allowance, filter_)
        else:
            limit(allowance)
        _write(frame(_answer(perform, Record(request), maps)))
        status = 0
    finally:
        os._exit(status)


def _answer(perform: Perform, request: Record, maps: Sequence[mmap.mmap]) -> dict[str, object]:
    try:
        return perform(request, maps)
    except Exception as error:  # noqa: BLE001 -- whatever it is, it is ours, and the client can only be told
        return {"failed": ascii(error)[:500]}


def _mapped(fds: Sequence[int], request: Record) -> list[mmap.mmap]:
    """The descriptors as memory; the last `writable` ones may be written.

    The others are private maps: a shared one of a file that was opened for writing could be made writable later.
    """
    first_writable = len(fds) - request.integer("writable", 0, len(fds))
    return [
        mmap.mmap(fd, 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        if index >= first_writable
        else mmap.mmap(fd, 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        for index, fd in enumerate(fds)
    ]


def _offer_to_the_oom_killer() -> None:
    """When the machine runs out of memory, this process goes first."""
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return  # no Linux, or no /proc: the default order stands
    try:
        os.write(fd, b"1000")
    finally:
        os.close(fd)


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]
