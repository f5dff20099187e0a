"""A watch on gevent's loop from a thread outside it: a process whose loop stands still serves nobody and must end.

uWSGI's harakiri would kill innocent waiters; this kills only a loop that has not turned for half a minute.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from collections.abc import Callable

import gevent
from gevent.monkey import get_original, is_module_patched

BLOCKED_S = 30.0
LAST_WORDS_S = 2


def guard_loop(*, blocked_s: float = BLOCKED_S) -> None:
    """Start the watch where gevent runs; elsewhere the server's own timeouts watch."""
    if is_module_patched("socket"):
        turned = [time.monotonic()]
        gevent.spawn(_turn, turned, blocked_s / 8)
        get_original("_thread", "start_new_thread")(_watch, (turned, blocked_s))


def _turn(turned: list[float], every_s: float) -> None:
    while True:
        turned[0] = time.monotonic()
        gevent.sleep(every_s)


def _watch(turned: list[float], blocked_s: float) -> None:
    sleep: Callable[[float], None] = get_original("time", "sleep")
    while True:
        before = time.monotonic()
        sleep(blocked_s / 4)
        stopped = time.monotonic() - before > blocked_s / 2  # the whole machine slept or stood still, not our loop
        if not stopped and time.monotonic() - turned[0] > blocked_s:
            signal.alarm(LAST_WORDS_S)  # which ends us, too, where it is the log that nobody takes from us
            faulthandler.dump_traceback()
            os.kill(os.getpid(), signal.SIGKILL)
