"""Uploads per visitor and hour of the clock. A refused upload is given back, unless it was the decoder's trouble.

Photos that stop or stall the decoder count: they are what somebody would send to keep us busy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jobs.errors import Refused
from jobs.ports import Ports

HOUR_MS = 3_600_000
COUNTED = ("photo_kills_decoder", "photo_too_slow", "photo_needs_too_much_memory")


@contextmanager
def counted(ports: Ports, visitor: str, *, limit: int) -> Iterator[Callable[[], None]]:
    """Count one upload while it is served, and yield what gives it back; `limit` 0 counts none.

    Raises Refused (rate_limited) and StoreBusy.
    """
    if not limit:
        yield lambda: None
        return
    now = ports.clock()
    hour = now // HOUR_MS
    counter = f"upload/{hashlib.sha256(visitor.encode()).hexdigest()[:32]}/{hour}"
    ends = (hour + 1) * HOUR_MS
    if ports.table.add(counter, 1, limit=limit, expires_ms=ends, now=now) is None:
        wait_s = max(1, -(-(ends - now) // 1000))
        raise Refused("rate_limited", f"At most {limit} an hour are taken.", retry_after_s=wait_s)

    def give_back() -> None:
        ports.table.add(counter, -1, limit=None, expires_ms=ends, now=now)

    try:
        yield give_back
    except BaseException as error:
        if not (isinstance(error, Refused) and error.code in COUNTED):
            give_back()
        raise
