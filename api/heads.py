"""What headers alone can tell: whether a request can become an upload at all, and what it claims."""

from __future__ import annotations

import re

from flask import Request

from jobs.errors import Refused

FORM_BYTES = 1 << 16  # what a form may add to its photo: boundaries, headers, text fields
_KEY = re.compile(r"[\x20-\x7e]{16,128}")
_BOUNDARY = re.compile(r"[\x20-\x7e]{1,200}")


def boundary(request: Request, *, max_photo_bytes: int) -> bytes:
    """The multipart boundary of a usable upload. Raises Refused (length_required, not_a_form, photo_too_large, …)."""
    length = request.environ.get("CONTENT_LENGTH", "")  # Flask takes an absent one for 0
    if not length.isdecimal() or "Transfer-Encoding" in request.headers:
        raise Refused("length_required")
    if request.mimetype != "multipart/form-data":
        raise Refused("not_a_form", f"Its Content-Type is {request.mimetype[:60] or 'missing'}.")
    mark = request.mimetype_params.get("boundary", "")
    if not _BOUNDARY.fullmatch(mark):
        raise Refused("malformed_request", "The Content-Type names no usable boundary.")
    if int(length) > max_photo_bytes + FORM_BYTES:
        raise Refused("photo_too_large", f"It may have at most {max_photo_bytes:,} bytes.")
    if int(length) == 0:
        raise Refused("image_missing")
    return mark.encode()


def idempotency_key(request: Request) -> str | None:
    """Raises Refused (bad_idempotency_key)."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Refused("bad_idempotency_key")
    return key


def bearer(request: Request) -> str:
    """The token of `Authorization: Bearer`. Raises Refused (owner_token_missing)."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Refused("owner_token_missing")
    return token.strip()
