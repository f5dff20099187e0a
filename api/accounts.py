"""One line and one count for every request. Ids are keys to photos, so the log shows their first eight digits."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from flask import Flask, Response, g, request

from api.meters import Meters

log = logging.getLogger("firstlight.access")

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
QUIET = ("/health", "/ready", "/metrics")  # asked every few seconds by machines


def install(app: Flask, meters: Meters, *, monotonic: Callable[[], float] = time.monotonic) -> None:
    @app.before_request
    def begin() -> None:
        g.began = monotonic()

    @app.after_request
    def account(answer: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"
        meters.requests.labels(route, method, str(answer.status_code)).inc()
        log.log(
            logging.DEBUG if route in QUIET else logging.INFO,
            "%s %s %s %d %.0f ms",
            method,
            route if "job_id" not in (request.view_args or {}) else _shortened(route),
            request.content_length or 0,
            answer.status_code,
            (monotonic() - g.began) * 1000,
        )
        return answer


def _shortened(route: str) -> str:
    job_id = str((request.view_args or {})["job_id"])
    return route.replace("<job_id>", f"{job_id[:8]}…" if job_id.isascii() and job_id[:8].isalnum() else "?")
