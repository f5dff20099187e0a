"""GET /status/<id>: how a photo stands, at once or when it changes."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.service import Service
from api.standing import Standing, standing
from api.visitors import visitor_of
from jobs.errors import Refused
from jobs.job import Job

LONGEST_WAIT_S = 20


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("status", __name__)

    @pages.get("/status/<job_id>")
    def status(job_id: str) -> Response:
        wait_s = _wait_s()
        job = service.job(job_id)
        known = request.if_none_match
        stand = standing(service, job)
        if wait_s and not job.finished and (not known or known.contains_weak(stand.etag)):
            stand = _changed(service, job, stand, wait_s=wait_s)
        if known.contains_weak(stand.etag):
            answer = Response(status=304)
        else:
            answer = Response(stand.status.model_dump_json(), mimetype="application/json")
        answer.set_etag(stand.etag, weak=True)
        answer.headers["Cache-Control"] = "no-store"
        if stand.retry_after_s is not None:
            answer.headers["Retry-After"] = str(stand.retry_after_s)
        return answer

    return pages


def _changed(service: Service, job: Job, stand: Standing, *, wait_s: int) -> Standing:
    """The job as it stands when state or phase change, or after `wait_s`. Raises Refused (not_found)."""
    before = (job.version, stand.status.phase)
    visitor = visitor_of(request, trusted_proxies=service.settings.trusted_proxies)
    with service.watcher.watching(job, visitor=visitor) as watch:
        if watch is None:
            return stand
        watch.until(lambda new: new is None or (new.version, service.outlooks.phase(new)) != before, wait_s)
        if watch.job is None:
            raise Refused("not_found")
        return standing(service, watch.job)


def _wait_s() -> int:
    text = request.args.get("wait", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= LONGEST_WAIT_S):
        raise Refused("bad_wait")
    return int(text)
