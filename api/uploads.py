"""POST /upload and DELETE /upload/<id>: taking a photo in, and giving it up again.

    headers ─▶ quota ─▶ launcher.ensure (aside) ─▶ form ─▶ spool ─▶ probe ─▶ jobs.intake ─▶ 202

Everything before the form is decided without reading a byte of the body.
"""

from __future__ import annotations

import logging
from pathlib import Path

from flask import Blueprint, Response, request

from api.form import Form
from api.heads import bearer, boundary, idempotency_key
from api.lingering import linger
from api.models import UploadFields, validated
from api.problems import wants_page
from api.quota import counted
from api.receipts import accepted_answer
from api.service import Service
from api.spool import Spool, disk_full_refused
from api.visitors import visitor_of
from jobs import intake
from jobs.errors import Refused
from photos.errors import CodecDied, SandboxUnavailable, UnreadablePhoto
from photos.facts import PhotoFacts
from photos.refusals import REFUSALS

log = logging.getLogger("firstlight.api")

PROBE_TRIES = 2  # a lost zygote is not the photo's fault; twice is more than bad luck


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("uploads", __name__)

    @pages.post("/upload")
    def upload() -> Response:
        try:
            accepted = _upload(service)
        except Refused as refused:
            service.meters.uploads.labels(refused.code).inc()
            linger(request)
            raise
        job = accepted.job
        if wants_page():
            answer = Response(status=303, headers={"Location": f"/photo/{job.id}"})
        else:
            answer = accepted_answer(service, accepted)
        answer.headers["Cache-Control"] = "no-store"
        answer.vary.add("Accept")
        return answer

    @pages.delete("/upload/<job_id>")
    def delete(job_id: str) -> Response:
        service.job(job_id)
        intake.withdraw(service.ports, job_id, bearer(request))
        return Response(status=204)

    return pages


def _upload(service: Service) -> intake.Accepted:
    """The request, taken in whole. Raises Refused."""
    settings, meters = service.settings, service.meters
    mark = boundary(request, max_photo_bytes=settings.max_photo_bytes)
    key = idempotency_key(request)
    visitor = visitor_of(request, trusted_proxies=settings.trusted_proxies)
    form = Form(lambda: Spool(Path(settings.spool), limit=settings.max_photo_bytes), validated)
    with counted(service.ports, visitor, limit=settings.upload_limit) as give_back:
        service.outlooks.ensure_soon("upload")  # boot and upload overlap
        try:
            form.read(request.stream, mark)
            accepted = _accept(service, form, visitor=visitor, key=key)
        finally:
            form.close()
        if accepted.replayed:
            give_back()
    meters.uploads.labels("replayed" if accepted.replayed else "accepted").inc()
    if not accepted.replayed:
        meters.upload_bytes.inc(accepted.job.source_size)
    service.outlooks.ensure_soon("upload")
    return accepted


def _accept(service: Service, form: Form, *, visitor: str, key: str | None) -> intake.Accepted:
    fields = validated(form.fields)
    if form.image is None:
        return _accept_again(service, fields, visitor=visitor, key=key)
    if fields.again:
        raise Refused("malformed_request", "Send `image` or `again`, not both.")
    facts = probed(service, form.image)
    _check_fit(facts, fields.format)
    order = intake.Order(
        ratio=fields.ratio,
        format=fields.format,
        photo=facts.to_json(),
        size=form.image.size,
        sha256=form.image.sha256,
        visitor=visitor,
        idempotency_key=key,
    )
    with disk_full_refused():
        return intake.accept(service.ports, order, form.image.file)


def _accept_again(service: Service, fields: UploadFields, *, visitor: str, key: str | None) -> intake.Accepted:
    if not fields.again:
        raise Refused("image_missing")
    source = service.job(fields.again)
    if not source.photo:
        raise Refused("not_ready", "Nobody has read this photo yet.")
    _check_fit(PhotoFacts.from_json(source.photo), fields.format)
    order = intake.Order(
        ratio=fields.ratio,
        format=fields.format,
        photo=source.photo,
        size=source.source_size,
        sha256=source.source_sha256,
        visitor=visitor,
        idempotency_key=key,
    )
    with disk_full_refused():
        return intake.accept_again(service.ports, order, source)


def _check_fit(facts: PhotoFacts, format_: str) -> None:
    """Raises Refused (bad_format), before the work and not after it, when such a result cannot hold the photo."""
    if not facts.fits(format_):
        code, sentence = REFUSALS["side_too_long_for_webp"]
        raise Refused(code, sentence)


def probed(service: Service, spool: Spool) -> PhotoFacts:
    """The sandboxed probe's facts. Raises Refused with the photo's own fault, or not_in_service."""
    for _ in range(PROBE_TRIES):
        try:
            return service.codec.probe(spool.file.fileno(), deadline_s=service.settings.codec_s)
        except UnreadablePhoto as error:
            raise Refused(error.code, error.detail) from error
        except CodecDied:
            continue
        except SandboxUnavailable as error:
            log.exception("SANDBOX=strict cannot be had here, so no photo is read")
            raise Refused("not_in_service", "Photos cannot be read safely on this machine.") from error
    raise Refused("not_in_service", "The program that reads photos is being restarted.", retry_after_s=5)
