"""What people open: the built page where there is one, else and at /form a form that needs no script.

The form leads to a page per photo that renews itself until it is done.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template
from werkzeug.wsgi import FileWrapper

from api.built import Built
from api.links import linked
from api.models import RATIOS
from api.service import Service
from api.standing import standing
from jobs.errors import BlobNotFound, Refused
from jobs.job import FORMATS, Job

SHOWN = ("jpeg", "png", "webp")  # what browsers show of what is sent
RENEW_S = 3
PHASES = {
    "waiting_for_capacity": "Waiting for a machine: none is to be had at the moment.",
    "machine_failing": "Machines start but do not become ready. We keep trying.",
    "no_worker": "No worker is running. Your photo is kept until one comes.",
    "starting_machine": "A machine is starting.",
    "loading_model": "The machine is getting ready.",
    "in_line": "In line.",
    "fetching": "Your photo's turn has come.",
    "decoding": "Reading the photo.",
    "enhancing": "Turning the light on.",
    "encoding": "Writing the bright picture.",
    "storing": "Storing the bright picture.",
}


def blueprint(service: Service, built: Built) -> Blueprint:
    pages = Blueprint("page", __name__)

    @pages.get("/")
    def home() -> Response:
        return built.index() or form()

    @pages.get("/form")
    def form() -> Response:
        settings = service.settings
        return _page(
            "form.html",
            formats=FORMATS,
            ratios=RATIOS,
            largest_mb=settings.max_photo_bytes // 1_000_000,
            kept_h=round(settings.keep_s / 3600, 1),
        )

    @pages.get("/photo/<job_id>")
    def photo(job_id: str) -> Response:
        job = service.job(job_id)
        status = standing(service, job).status
        return _page(
            "photo.html",
            status=status,
            waiting=PHASES.get(status.phase or "", ""),
            shows_original=_is_shown(job),
            shows_result=job.format in SHOWN,
            format=job.format,
            ratios=RATIOS,
            renew_s=RENEW_S,
        )

    @pages.get("/photo/<job_id>/original")
    def original(job_id: str) -> Response:
        job = service.job(job_id)
        if not _is_shown(job):
            raise Refused("not_found")
        media_type, suffix = FORMATS[job.photo["format"]]
        name = f"firstlight-{job.id[:8]}-original.{suffix}"
        elsewhere = linked(service, job.source_key, name=name, media_type=media_type)
        return elsewhere or _original(service, job, media_type)

    return pages


def _original(service: Service, job: Job, media_type: str) -> Response:
    try:
        file = service.ports.blobs.open(job.source_key)
    except BlobNotFound:
        raise Refused("not_found") from None
    answer = Response(FileWrapper(file, 1 << 17), mimetype=media_type)
    answer.content_length = job.source_size
    answer.headers["Cache-Control"] = "private, max-age=3600, immutable"
    return answer


def _is_shown(job: Job) -> bool:
    return job.photo.get("format") in SHOWN


def _page(template: str, **words: object) -> Response:
    answer = Response(render_template(template, **words), mimetype="text/html")
    answer.headers["Cache-Control"] = "no-store"
    return answer
