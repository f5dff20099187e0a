"""An end that keeps its word: waiters are let go at once, running requests get their time, and then it is over."""

from __future__ import annotations

import os
import signal

import gevent
from gevent.monkey import is_module_patched

from api.watcher import Watcher

MERCY_S = 60.0  # for an upload that is still arriving


def let_go_on_shutdown(watcher: Watcher) -> None:
    """Under uWSGI's gevent loop a graceful end is announced by SIGHUP, which uWSGI itself listens to as well.

    It must be the first to listen: libev tells the system only of a signal's first listener, and uWSGI, which takes the
    signal for itself once the app is loaded, would never get it back. So this listens when the loop first turns.
    """
    if is_module_patched("socket"):
        gevent.spawn(gevent.signal_handler, signal.SIGHUP, _let_go, watcher)


def _let_go(watcher: Watcher) -> None:
    watcher.close()
    gevent.spawn_later(MERCY_S, os._exit, 0)  # uWSGI's own mercy does not end a greenlet that never ends
