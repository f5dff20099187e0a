"""Reading on for a moment after a refusal, so that the client reads our answer and not a reset connection.

A connection that is closed while bytes still arrive is reset, and the reset overtakes the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO

from flask import Request, Response, after_this_request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

MOST_BYTES = 32 << 20
MOST_S = 2.0
CHUNK = 1 << 16


def linger(request: Request) -> None:
    """Once the answer to this request is sent, throw away what still comes of its body, within bounds."""
    if not request.content_length:
        return
    stream: IO[bytes] = request.stream

    @after_this_request
    def closing(answer: Response) -> Response:
        answer.call_on_close(lambda: discard(stream))
        return answer


def discard(stream: IO[bytes], *, monotonic: Callable[[], float] = time.monotonic) -> int:
    """The bytes thrown away: until the end, the client's going, 32 MB or 2 s."""
    ends = monotonic() + MOST_S
    gone = 0
    while gone < MOST_BYTES and monotonic() < ends:
        try:
            chunk = stream.read(CHUNK)
        except (OSError, ClientDisconnected, RequestEntityTooLarge):
            break
        if not chunk:
            break
        gone += len(chunk)
    return gone
