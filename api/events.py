"""GET /events/<id>: the status as server-sent events, until the photo is finished.

An event's id is the row's `version`. There is no history to replay: who comes back gets the newest snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from api.service import Service
from api.standing import standing
from api.visitors import visitor_of
from jobs.job import Job

HEARTBEAT_S = 15.0
PROGRESS_S = 1.0
COME_BACK_MS = 2000


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("events", __name__)

    @pages.get("/events/<job_id>")
    def events(job_id: str) -> Response:
        job = service.job(job_id)
        if job.finished and request.headers.get("Last-Event-ID") == str(job.version):
            return Response(status=204)  # it has seen the end: this tells an EventSource to stay away
        visitor = visitor_of(request, trusted_proxies=service.settings.trusted_proxies)
        answer = Response(_stream(service, job, visitor), mimetype="text/event-stream")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Accel-Buffering"] = "no"  # nginx would keep events back
        return answer

    return pages


def _stream(service: Service, job: Job, visitor: str) -> Iterator[str]:
    yield f"retry: {COME_BACK_MS}\n\n"
    shown = _Shown(service, job)
    yield shown.event()
    if job.finished:
        return
    with service.watcher.watching(job, visitor=visitor) as watch:
        while watch is not None and not service.watcher.closing:
            if not watch.until(shown.is_news, HEARTBEAT_S):
                yield ": still here\n\n"
                continue
            if watch.job is None:
                return
            shown = _Shown(service, watch.job)
            yield shown.event()
            if watch.job.finished:
                return


class _Shown:
    """What the client was last told, and when."""

    def __init__(self, service: Service, job: Job) -> None:
        self._service = service
        self._job = job
        self._phase = service.outlooks.phase(job)
        self._at = service.monotonic()

    def event(self) -> str:
        stand = standing(self._service, self._job)
        return f"id: {stand.version}\nevent: status\ndata: {stand.status.model_dump_json()}\n\n"

    def is_news(self, job: Job | None) -> bool:
        """Another state or phase at once; mere progress once a second."""
        if job is None or job.version != self._job.version or self._service.outlooks.phase(job) != self._phase:
            return True
        return job.progress != self._job.progress and self._service.monotonic() - self._at >= PROGRESS_S
