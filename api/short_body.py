"""A short body, read whole within seconds: whoever drips it would hold a place that others need."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from flask import Request
from gevent import Timeout
from gevent.monkey import is_module_patched
from werkzeug.exceptions import ClientDisconnected

from jobs.errors import Refused

LONGEST_S = 5.0


def short_body(request: Request, *, most: int, monotonic: Callable[[], float] = time.monotonic) -> bytes:
    """At most so many bytes, and one more where there are more.

    Raises Refused (upload_too_slow, and malformed_request when the client went away). Outside gevent the server's own
    patience is all there is.
    """
    ends = monotonic() + LONGEST_S
    limit: AbstractContextManager[Any] = Timeout(LONGEST_S) if is_module_patched("socket") else nullcontext()
    try:
        with limit:
            return request.stream.read(most + 1)
    except (OSError, ClientDisconnected, Timeout) as error:  # uWSGI makes an OSError of whatever interrupts its reading
        if monotonic() >= ends:
            raise Refused("upload_too_slow", f"So short a request may take {LONGEST_S:.0f} s.") from error
        raise Refused("malformed_request", "The request ended before its end.") from error
