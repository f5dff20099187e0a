"""POST /upload/direct and /upload/<id>/confirm: a photo that goes straight into the store, past us."""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.heads import bearer
from api.models import Invitation, StoreForm, direct_call, moment
from api.quota import counted
from api.receipts import accepted_answer
from api.service import Service, is_id
from api.short_body import short_body
from api.visitors import visitor_of
from jobs import direct
from jobs.errors import Refused
from photos.refusals import REFUSALS
from photos.sniff import refusal, sniff

CALL_BYTES = 1000


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("direct", __name__)

    @pages.post("/upload/direct")
    def invite() -> Response:
        call = direct_call(short_body(request, most=CALL_BYTES))
        settings = service.settings
        if call.size > settings.max_photo_bytes:
            raise Refused("photo_too_large", f"It may have at most {settings.max_photo_bytes:,} bytes.")
        visitor = visitor_of(request, trusted_proxies=settings.trusted_proxies)
        ratio = None if call.ratio == "auto" else call.ratio
        wish = direct.Wish(ratio=ratio, format=call.format, size=call.size, visitor=visitor)
        with counted(service.ports, visitor, limit=settings.upload_limit):
            invited = direct.invite(service.ports, wish)
        service.outlooks.ensure_soon("upload")  # boot and upload overlap
        invitation = Invitation(
            id=invited.id,
            upload=StoreForm(url=invited.form.url, fields=invited.form.fields),
            confirm_url=f"/upload/{invited.id}/confirm",
            owner_token=invited.owner_token,
            expires_at=moment(invited.expires_ms),
        )
        answer = Response(invitation.model_dump_json(), status=201, mimetype="application/json")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @pages.post("/upload/<job_id>/confirm")
    def confirm(job_id: str) -> Response:
        if not is_id(job_id):
            raise Refused("not_found")
        token = bearer(request)
        arrival = direct.arrived(service.ports, job_id, token)
        if arrival is not None and sniff(arrival.head) is None:
            direct.refuse(service.ports, job_id)
            code, sentence = REFUSALS[refusal(arrival.head)]
            service.meters.uploads.labels(code).inc()
            raise Refused(code, sentence)
        accepted = direct.confirm(service.ports, job_id, token, arrival)
        service.meters.uploads.labels("replayed" if accepted.replayed else "accepted").inc()
        if not accepted.replayed:
            service.meters.upload_bytes.inc(accepted.job.source_size)
        service.outlooks.ensure_soon("upload")
        answer = accepted_answer(service, accepted)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return pages
