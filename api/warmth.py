"""POST /warm asks for a machine ahead of the photo, or says that nobody needs it any more; GET /warm only tells. No GET
ever spends money.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.models import Warmth, warm_call
from api.service import Service, is_id
from api.short_body import short_body
from fleet.outlook import Outlook
from fleet.presence import Presence
from jobs.errors import Refused

MOST_BYTES = 1024


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("warmth", __name__)
    presence = Presence(service.ports, service.settings)

    @pages.get("/warm")
    def tell() -> Response:
        return _answer(service, service.outlooks.glance())

    @pages.post("/warm")
    def warm() -> Response:
        body = short_body(request, most=MOST_BYTES)
        if len(body) > MOST_BYTES:
            raise Refused("bad_intent")
        call = warm_call(body)
        intent = call.intent
        if intent == "leave":
            if not is_id(call.photo):
                raise Refused("bad_intent")
            presence.leave(call.photo)
            return Response(status=204, headers={"Cache-Control": "no-store"})  # whether or not it counts
        outlook = service.outlooks.glance(intent)
        if outlook.refused is not None:
            raise Refused(outlook.refused, outlook.detail)
        if outlook.state != "ready":
            service.outlooks.ensure_soon(intent)  # a launch takes seconds, and goes on without us
        else:
            presence.come()
        return _answer(service, outlook)

    return pages


def _answer(service: Service, outlook: Outlook) -> Response:
    ready = outlook.state == "ready"
    warmth = Warmth(
        state=outlook.state,
        phase=None if ready else outlook.phase,
        phase_seconds=None
        if ready or not outlook.since_ms
        else max(0, service.ports.clock() - outlook.since_ms) / 1000,
        eta_seconds=outlook.ready_in_s,
        detail=outlook.detail,
    )
    answer = Response(warmth.model_dump_json(), status=200 if ready else 202, mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer
