"""Errors as RFC 9457 problems in the registry's words; never a stack trace. A browser's form gets them as a page."""

from __future__ import annotations

import logging

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from api.models import Problem
from jobs.errors import FAULTS, Fault, Refused, StoreBusy

log = logging.getLogger("firstlight.api")

MEDIA_TYPE = "application/problem+json"
BUSY_RETRY_S = 5
_BY_STATUS = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "photo_too_large",
    416: "range_not_satisfiable",
}


def problem(fault: Fault, *, status: int | None = None, detail: str = "", retry_after_s: int | None = None) -> Response:
    """The answer for one fault of the registry."""
    body = Problem(
        type=f"/docs#{fault.code}",
        title=fault.title,
        status=status or fault.status,
        code=fault.code,
        detail=detail or fault.title,
        cure=fault.cure,
    )
    if wants_page():
        answer = Response(render_template("problem.html", problem=body), mimetype="text/html")
        answer.vary.add("Accept")
    else:
        answer = Response(body.model_dump_json(), mimetype=MEDIA_TYPE)
    answer.status_code = body.status
    answer.headers["Cache-Control"] = "no-store"
    if retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)
    if answer.status_code == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def wants_page() -> bool:
    """Whether the caller would rather see HTML than JSON, as a browser's form says."""
    accept = request.accept_mimetypes
    return accept["text/html"] > accept["application/json"]


def install(app: Flask) -> None:
    """Turn every error of the app into a problem."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return problem(error.fault, detail=error.detail, retry_after_s=error.retry_after_s)

    @app.errorhandler(StoreBusy)
    def store_busy(error: StoreBusy) -> Response:
        log.warning("a store is busy: %s", error)
        return problem(FAULTS["store_busy"], retry_after_s=BUSY_RETRY_S)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        code = _BY_STATUS.get(status, "malformed_request" if status < 500 else "internal")
        answer = problem(FAULTS[code], status=status)
        for name, value in error.get_headers(request.environ):
            if name in ("Allow", "Content-Range"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def internal(error: Exception) -> Response:
        log.error("%s %s broke", request.method, request.url_rule, exc_info=error)
        return problem(FAULTS["internal"])
