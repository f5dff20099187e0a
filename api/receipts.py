"""What an accepted photo is answered with: 202, where to ask for it, and when."""

from __future__ import annotations

from flask import Response

from api.models import Receipt, moment
from api.service import Service
from api.standing import standing
from jobs.intake import Accepted


def accepted_answer(service: Service, accepted: Accepted) -> Response:
    job = accepted.job
    receipt = Receipt(
        id=job.id,
        state=job.state,
        status_url=f"/status/{job.id}",
        result_url=f"/result/{job.id}",
        owner_token=accepted.owner_token,
        expires_at=moment(job.expires_ms),
    )
    answer = Response(receipt.model_dump_json(), status=202, mimetype="application/json")
    answer.headers["Location"] = receipt.status_url
    answer.headers["Retry-After"] = str(standing(service, job).retry_after_s or 0)
    return answer
