"""GET /result/<id>: the bright picture itself, whole or in ranges, or a signed link to it."""

from __future__ import annotations

import re

from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from api.links import linked
from api.service import Service
from api.standing import standing
from jobs.errors import FAULTS, BlobNotFound, Refused
from jobs.job import FORMATS, Job, Result

CHUNK = 1 << 17
_FROM_START = re.compile(r"bytes=[0-9]{1,18}-[0-9]{0,18}")
_FROM_END = re.compile(r"bytes=-([0-9]{1,18})")


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("results", __name__)

    @pages.get("/result/<job_id>")
    def result(job_id: str) -> Response:
        job = service.job(job_id)
        if job.result is None:
            raise _not_ready(service, job)
        name = f"firstlight-{job.id[:8]}.{FORMATS[job.format][1]}"
        elsewhere = linked(service, job.result.key, name=name, media_type=job.result.media_type)
        return elsewhere or _picture(service, job.result, name=name)

    return pages


def _not_ready(service: Service, job: Job) -> Refused:
    if job.finished:
        fault = FAULTS.get(job.error.code, FAULTS["internal"]) if job.error else FAULTS["internal"]
        return Refused("no_result", f"{fault.title} {fault.cure}")
    return Refused("not_ready", f"It is {job.state}.", retry_after_s=standing(service, job).retry_after_s)


def _picture(service: Service, result: Result, *, name: str) -> Response:
    try:
        file = service.ports.blobs.open(result.key)
    except BlobNotFound:
        raise Refused("not_found") from None  # it expired between two reads
    answer = Response(FileWrapper(file, CHUNK), mimetype=result.media_type)
    answer.content_length = result.size
    answer.set_etag(result.sha256)
    answer.headers["Cache-Control"] = "private, max-age=3600, immutable"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    environ = dict(request.environ)
    if not _is_served(request, result.size):
        environ.pop("HTTP_RANGE", None)
    try:
        answer.make_conditional(environ, accept_ranges=True, complete_length=result.size)
    except RequestedRangeNotSatisfiable:
        answer.close()
        raise
    return answer


def _is_served(asked: Request, size: int) -> bool:
    """Whether the range asked for is served as one; otherwise the whole picture is, as RFC 9110 allows or demands.

    Several ranges and none of bytes may be ignored (§14.2); a suffix longer than the picture means all of it (§14.1.2);
    a picture that the client names as its own is compared first (§13.2.2); a weak If-Range never matches (§13.1.5).
    """
    wanted = asked.headers.get("Range", "")
    if asked.headers.get("If-None-Match") or asked.headers.get("If-Range", "").startswith("W/"):
        return False
    suffix = _FROM_END.fullmatch(wanted)
    return int(suffix[1]) <= size if suffix else bool(_FROM_START.fullmatch(wanted))
