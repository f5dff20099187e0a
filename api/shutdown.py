"""Letting the waiters go when the process is asked to end, so that it need not outlast their 20 seconds."""

from __future__ import annotations

import signal

import gevent
from gevent.monkey import is_module_patched

from api.watcher import Watcher


def let_go_on_shutdown(watcher: Watcher) -> None:
    """Under uWSGI's gevent loop a graceful end is announced by SIGHUP, which uWSGI itself listens to as well."""
    if is_module_patched("socket"):
        gevent.signal_handler(signal.SIGHUP, watcher.close)
