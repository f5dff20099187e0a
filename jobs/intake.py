"""Taking a photo in, and giving it up again: the order of writes that makes `accepted` a promise.

    idempotency row ─▶ blob in/<id> ─▶ job row (accepted: S1) ─▶ message

A crash between any two leaves either nothing that counts or a job that the sweeper finds and finishes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from jobs.errors import BlobNotFound, Refused, RowExists, StoreBusy
from jobs.job import Job
from jobs.ports import Ports
from jobs.table import Row
from jobs.transitions import erase


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the visitor asked for. `ratio` None means `auto`; `photo` is the probe's facts; `sha256` of the bytes."""

    ratio: float | None
    format: str
    photo: dict[str, Any]
    size: int
    sha256: str
    visitor: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The job, and the token that may cancel and delete it: told once, kept only as a hash."""

    job: Job
    owner_token: str
    replayed: bool = False


def accept(ports: Ports, order: Order, photo: BinaryIO) -> Accepted:
    """Keep the photo and promise to enhance it. Raises Refused (key_reused, key_spent) and StoreBusy."""
    return _accept(ports, order, lambda key: ports.blobs.put(key, photo, if_absent=True))


def accept_again(ports: Ports, order: Order, source: Job) -> Accepted:
    """Enhance the same photo anew, from a copy: jobs share nothing. Raises Refused (source_gone) and as `accept`."""

    def copy(key: str) -> None:
        try:
            ports.blobs.copy(source.source_key, key)
        except BlobNotFound:
            raise Refused("source_gone") from None

    return _accept(ports, order, copy)


def withdraw(ports: Ports, job_id: str, owner_token: str) -> Job:
    """Cancel an unfinished job, erase what was kept of any. Raises Refused (not_found, owner_token_wrong)."""

    def transition(job: Job) -> Job:
        if job.deleted:
            raise Refused("not_found")
        if not hmac.compare_digest(job.owner_sha256, sha256(owner_token)):
            raise Refused("owner_token_wrong")
        return erase(job, now=ports.clock())

    job = ports.ledger.change(job_id, transition)
    if job is None:
        raise Refused("not_found")
    erase_blobs(ports, job)
    return job


def erase_blobs(ports: Ports, job: Job) -> None:
    """Remove the photo and every result of a job, published or not."""
    ports.blobs.delete(job.source_key)
    for key in list(ports.blobs.keys(f"out/{job.id}/")):
        ports.blobs.delete(key)


def _accept(ports: Ports, order: Order, store: Callable[[str], object]) -> Accepted:
    now = ports.clock()
    job_id, owner_token = str(uuid.uuid4()), secrets.token_urlsafe(32)
    if order.idempotency_key is not None:
        job_id, owner_token, found = _claim_key(ports, order, job_id, now=now)
        if found is not None:
            return Accepted(job=found, owner_token=owner_token, replayed=True)
    job = Job(
        id=job_id,
        phase_since_ms=now,
        created_ms=now,
        deadline_ms=now + ports.job_deadline_ms,
        expires_ms=now + ports.job_deadline_ms + ports.ledger.terms.keep_ms,
        ratio=order.ratio,
        format=order.format,
        photo=order.photo,
        source_key=f"in/{job_id}",
        source_size=order.size,
        source_sha256=order.sha256,
        owner_sha256=sha256(owner_token),
        visitor=order.visitor,
        sent_ms=now,
    )
    store(job.source_key)
    try:
        ports.ledger.insert(job)
    except RowExists:  # the same request, sent twice at once: the other one was faster
        found = ports.ledger.read(job_id)
        if found is None or found.deleted:
            ports.blobs.delete(job.source_key)  # stored again just now, after it was erased
            raise Refused("key_spent") from None
        return Accepted(job=found, owner_token=owner_token, replayed=True)
    try:
        ports.queue.send(job.id)
    except StoreBusy:
        return Accepted(job=job, owner_token=owner_token)  # accepted all the same: the sweeper sends it
    return Accepted(job=job, owner_token=owner_token)


def _claim_key(ports: Ports, order: Order, job_id: str, *, now: int) -> tuple[str, str, Job | None]:
    """The job id that this key stands for, its owner token, and the job if there is one already.

    The token is derived from the key and a secret of the row, so that a retry whose first answer was lost gets the
    same one although only its hash is kept.
    """
    key = order.idempotency_key or ""
    fingerprint = sha256(f"{order.sha256} {order.ratio} {order.format}")
    row = Row(
        key="key/" + sha256(f"{order.visitor}\0{key}"),
        doc=json.dumps({"job": job_id, "fingerprint": fingerprint, "secret": secrets.token_hex(32)}),
        due_ms=now + ports.job_deadline_ms + ports.ledger.terms.keep_ms,
    )
    try:
        ports.table.insert(row)
    except RowExists:
        row = ports.table.read(row.key) or row
    known = json.loads(row.doc)
    if known["fingerprint"] != fingerprint:
        raise Refused("key_reused")
    token = hmac.digest(bytes.fromhex(known["secret"]), f"{key} {known['job']}".encode(), "sha256").hex()
    job = ports.ledger.read(known["job"])
    if job is not None and job.deleted:
        raise Refused("key_spent")
    return known["job"], token, job


def sha256(text: str) -> str:
    """The digest under which tokens and keys are kept."""
    return hashlib.sha256(text.encode()).hexdigest()
