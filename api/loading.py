"""What uWSGI loads: the app; and until it is there, an ear for the end that uWSGI itself would hear only afterwards.

Asked to end, uWSGI sends its processes SIGHUP. One that still loads would miss it, serve on, and be killed once the
mercy for running requests is over: 75 s, where containers get ten. It serves nobody yet, so it may end at once.
"""

from __future__ import annotations

import os
import signal
from importlib import import_module

signal.signal(signal.SIGHUP, lambda *_: os._exit(0))  # until uWSGI listens itself, and then api.shutdown

app = import_module("api.wsgi").app
