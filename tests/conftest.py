"""What holds for every test, however slow the machine and whoever started them."""

from __future__ import annotations

import signal
import threading

from hypothesis import HealthCheck, settings

# No example is timed: a machine that pauses is no fault. On CI, Hypothesis' own profile also fixes the examples.
settings.register_profile("patient", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Begun in a shell's background, tests and what they start would ignore the Ctrl-C that some of them send.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
