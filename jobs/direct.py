"""Taking a photo in that goes straight into the store: an invitation first, then a confirmation that it is there.

    invite: row guest/<id> + signed form ─▶ (the client's POST to the store) ─▶ confirm: look ─▶ job row ─▶ message

Nothing is promised before the confirmation; an invitation that nobody takes up leaves a row and perhaps a blob, which
the sweep and the search for orphans remove. The worker, not the API, reads such a photo for the first time.
"""

from __future__ import annotations

import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from jobs.arrival import Arrival, SignedForm
from jobs.errors import BlobNotFound, Refused, RowExists, StoreBusy
from jobs.intake import Accepted, sha256
from jobs.job import Job
from jobs.ports import Ports
from jobs.table import Row

OPEN_S = 900  # how long a form admits a photo
LATE_S = 900  # how much later it may be confirmed
HEAD = 64  # bytes that tell what kind of file it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the visitor asks for, of a photo that is still to come. `ratio` None means `auto`; `size` in bytes."""

    ratio: float | None
    format: str
    size: int
    visitor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """The id that the photo will have, the form that admits it, and the token that confirms and may delete it."""

    id: str
    form: SignedForm
    owner_token: str
    expires_ms: int


def invite(ports: Ports, wish: Wish) -> Invitation:
    """Raises Refused (no_direct_upload) where the store takes no photos from strangers, and StoreBusy."""
    job_id, token = str(uuid.uuid4()), secrets.token_urlsafe(32)
    form = ports.blobs.admit(f"in/{job_id}", size=wish.size, seconds=OPEN_S)
    if form is None:
        raise Refused("no_direct_upload")
    expires_ms = ports.clock() + (OPEN_S + LATE_S) * 1000
    guest = {
        "ratio": wish.ratio,
        "format": wish.format,
        "size": wish.size,
        "visitor": wish.visitor,
        "owner_sha256": sha256(token),
    }
    ports.table.insert(Row(key=f"guest/{job_id}", doc=json.dumps(guest), due_ms=expires_ms))
    return Invitation(id=job_id, form=form, owner_token=token, expires_ms=expires_ms)


def arrived(ports: Ports, job_id: str, owner_token: str) -> Arrival | None:
    """What the invited guest put there; None when its job is accepted already.

    Raises Refused (not_found, owner_token_wrong, not_uploaded).
    """
    if (job := ports.ledger.read(job_id)) is not None:
        if job.deleted:
            raise Refused("not_found")
        _check(job.owner_sha256, owner_token)
        return None
    guest = _guest(ports, job_id)
    _check(guest["owner_sha256"], owner_token)
    try:
        arrival = ports.blobs.look(f"in/{job_id}", first=HEAD)
    except BlobNotFound:
        raise Refused("not_uploaded") from None
    if arrival.size != guest["size"]:
        raise Refused("not_uploaded", f"{arrival.size:,} bytes are there, {guest['size']:,} were announced.")
    return arrival


def confirm(ports: Ports, job_id: str, owner_token: str, arrival: Arrival | None) -> Accepted:
    """Promise to enhance what arrived, pinned by its version; the same answer however often it is asked.

    Raises Refused (not_found) and StoreBusy.
    """
    job = ports.ledger.read(job_id) if arrival is None else _insert(ports, job_id, arrival)
    if job is None or job.deleted:
        raise Refused("not_found")
    if arrival is not None:
        try:
            ports.queue.send(job_id)
        except StoreBusy:
            return Accepted(job=job, owner_token=owner_token)  # accepted all the same: the sweeper sends it
    return Accepted(job=job, owner_token=owner_token, replayed=arrival is None)


def refuse(ports: Ports, job_id: str) -> None:
    """Take the invitation back and remove what was brought."""
    if row := ports.table.read(f"guest/{job_id}"):
        ports.table.delete(row)
    if ports.ledger.read(job_id) is None:  # else other bytes came meanwhile, and were accepted
        ports.blobs.delete(f"in/{job_id}")


def _insert(ports: Ports, job_id: str, arrival: Arrival) -> Job | None:
    guest, now = _guest(ports, job_id), ports.clock()
    job = Job(
        id=job_id,
        phase_since_ms=now,
        created_ms=now,
        deadline_ms=now + ports.job_deadline_ms,
        expires_ms=now + ports.job_deadline_ms + ports.ledger.terms.keep_ms,
        ratio=guest["ratio"],
        format=guest["format"],
        photo={},
        source_key=f"in/{job_id}",
        source_size=arrival.size,
        source_sha256="",
        source_version=arrival.version,
        owner_sha256=guest["owner_sha256"],
        visitor=guest["visitor"],
        sent_ms=now,
    )
    try:
        ports.ledger.insert(job)
    except RowExists:  # confirmed twice at once: the other one was faster
        return ports.ledger.read(job_id)
    return job


def _guest(ports: Ports, job_id: str) -> dict[str, Any]:
    row = ports.table.read(f"guest/{job_id}")
    if row is None or row.due_ms is None or ports.clock() >= row.due_ms:
        raise Refused("not_found")
    guest: dict[str, Any] = json.loads(row.doc)
    return guest


def _check(owner_sha256: str, owner_token: str) -> None:
    if not hmac.compare_digest(owner_sha256, sha256(owner_token)):
        raise Refused("owner_token_wrong")
