"""GET /result/<id>: the bright picture itself, whole or in ranges, or a signed link to it."""

from __future__ import annotations

import re

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import FileWrapper

from api.service import Service
from api.standing import standing
from jobs.errors import FAULTS, BlobNotFound, Refused
from jobs.job import FORMATS, Job, Result

LINK_S = 300
CHUNK = 1 << 17
_ONE_RANGE = re.compile(r"bytes=([0-9]+-[0-9]*|-[0-9]+)")


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("results", __name__)

    @pages.get("/result/<job_id>")
    def result(job_id: str) -> Response:
        job = service.job(job_id)
        if job.result is None:
            raise _not_ready(service, job)
        name = f"firstlight-{job.id[:8]}.{FORMATS[job.format][1]}"
        link = service.ports.blobs.link(job.result.key, seconds=LINK_S, filename=name, media_type=job.result.media_type)
        if link is not None:
            answer = Response(status=302, headers={"Location": link})
            answer.headers["Cache-Control"] = "no-store"
            return answer
        return _picture(service, job.result, name=name)

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
    if not _ONE_RANGE.fullmatch(environ.get("HTTP_RANGE", "")):
        environ.pop("HTTP_RANGE", None)  # several ranges, or none of bytes: they may be ignored (RFC 9110 §14.2)
    try:
        answer.make_conditional(environ, accept_ranges=True, complete_length=result.size)
    except RequestedRangeNotSatisfiable:
        answer.close()
        raise
    return answer
