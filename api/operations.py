"""Every address, as data: /openapi.json and /docs are made of it; a test holds it against the app's own routes."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel

from api.models import DirectCall, Health, Invitation, Receipt, Status, UploadFields, WarmCall, Warmth
from photos.refusals import REFUSALS

ID = ("job_id", "path", "the id that /upload returned")
PHOTO_FAULTS = sorted({code for code, _ in REFUSALS.values()} - {"bad_format", "photo_too_large"})  # listed by /upload


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one address. `answers` maps a status to its model, or to its media type, or to None for no body.

    `faults` are codes of the error registry; parameters are (name, where, meaning).
    """

    method: str
    path: str
    summary: str
    answers: dict[int, type[BaseModel] | str | None]
    faults: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str, str], ...] = ()
    form: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    secured: bool = field(default=False)


OPERATIONS = (
    Operation(
        method="post",
        path="/upload",
        summary="Send a photo, as the multipart field `image`; or name an earlier one by `again`. What is refused does "
        "not count against the hourly limit, unless its photo stopped or stalled the decoder.",
        answers={202: Receipt, 303: None},
        faults=(
            "image_missing",
            "malformed_request",
            "bad_ratio",
            "bad_format",
            "bad_idempotency_key",
            "not_found",
            "upload_too_slow",
            "source_gone",
            "key_spent",
            "length_required",
            "photo_too_large",
            "not_a_form",
            *PHOTO_FAULTS,
            "key_reused",
            "rate_limited",
            "store_busy",
            "disk_full",
            "not_in_service",
        ),
        parameters=(("Idempotency-Key", "header", "16–128 printable characters: the same key gives the same photo"),),
        form=UploadFields,
    ),
    Operation(
        method="delete",
        path="/upload/{job_id}",
        summary="Cancel an unfinished photo, and erase what is kept of any.",
        answers={204: None},
        faults=("owner_token_missing", "owner_token_wrong", "not_found", "store_busy"),
        parameters=(ID,),
        secured=True,
    ),
    Operation(
        method="post",
        path="/upload/direct",
        summary="Ask for a form that takes a photo straight into the store (only where the store can), then confirm.",
        answers={201: Invitation},
        faults=(
            "bad_size",
            "bad_ratio",
            "bad_format",
            "malformed_request",
            "no_direct_upload",
            "photo_too_large",
            "rate_limited",
            "store_busy",
        ),
        body=DirectCall,
    ),
    Operation(
        method="post",
        path="/upload/{job_id}/confirm",
        summary="Say that the photo is in the store. What is wrong with it beyond its first bytes, /status tells.",
        answers={202: Receipt},
        faults=(
            "owner_token_missing",
            "owner_token_wrong",
            "not_found",
            "not_uploaded",
            "unsupported_format",
            "store_busy",
        ),
        parameters=(ID,),
        secured=True,
    ),
    Operation(
        method="get",
        path="/status/{job_id}",
        summary="How a photo stands: at once, or with `wait` when its state or phase changes.",
        answers={200: Status, 304: None},
        faults=("bad_wait", "not_found", "store_busy"),
        parameters=(
            ID,
            ("wait", "query", "seconds to wait for a change, 0 to 20"),
            ("If-None-Match", "header", "the ETag that you have: 304 while it is still so"),
        ),
    ),
    Operation(
        method="get",
        path="/events/{job_id}",
        summary="The same as server-sent events, until the photo is finished; 204 if you have seen the end.",
        answers={200: "text/event-stream", 204: None},
        faults=("not_found", "store_busy"),
        parameters=(ID, ("Last-Event-ID", "header", "the last event that you have seen")),
    ),
    Operation(
        method="get",
        path="/result/{job_id}",
        summary="The bright picture, whole or in ranges; or the address where it lies.",
        answers={200: "image/*", 206: "image/*", 302: None, 304: None},
        faults=("not_found", "not_ready", "no_result", "range_not_satisfiable", "store_busy"),
        parameters=(
            ID,
            ("Range", "header", "a range of bytes"),
            ("If-Range", "header", "the ETag that the range belongs to"),
            ("If-None-Match", "header", "the ETag that you have"),
        ),
    ),
    Operation(
        method="post",
        path="/warm",
        summary="Say that a photo may come soon, so that a machine can start; or that the visitor of the newest photo "
        "leaves, so that none idles for nobody.",
        answers={200: Warmth, 202: Warmth, 204: None},
        faults=("bad_intent", "warm_budget_spent", "store_busy"),
        body=WarmCall,
    ),
    Operation(
        method="get",
        path="/warm",
        summary="Whether a machine is ready. Asking starts none.",
        answers={200: Warmth, 202: Warmth},
        faults=("store_busy",),
    ),
    Operation(method="get", path="/health", summary="The service speaks.", answers={200: Health}),
    Operation(
        method="get",
        path="/ready",
        summary="The service can take a photo.",
        answers={200: Health},
        faults=("store_busy", "disk_full", "not_in_service"),
    ),
    Operation(
        method="get",
        path="/metrics",
        summary="Figures for Prometheus.",
        answers={200: "text/plain"},
        faults=("store_busy",),
    ),
    Operation(
        method="get",
        path="/openapi.json",
        summary="This, for programs.",
        answers={200: "application/json"},
    ),
    Operation(method="get", path="/docs", summary="This, for people.", answers={200: "text/html"}),
    Operation(
        method="get",
        path="/",
        summary="The page; the form where it is not built.",
        answers={200: "text/html", 304: None},
    ),
    Operation(method="get", path="/form", summary="A form that needs no script.", answers={200: "text/html"}),
    Operation(
        method="get",
        path="/assets/{name}",
        summary="A part of the page, kept for ever: its name changes with it.",
        answers={200: "*/*", 304: None},
        faults=("not_found",),
        parameters=(("name", "path", "as the page names it"),),
    ),
    Operation(
        method="get",
        path="/photo/{job_id}",
        summary="The page of one photo.",
        answers={200: "text/html"},
        faults=("not_found", "store_busy"),
        parameters=(ID,),
    ),
    Operation(
        method="get",
        path="/photo/{job_id}/original",
        summary="The photo as it came, where a browser can show it; or the address where it lies.",
        answers={200: "image/*", 302: None},
        faults=("not_found", "store_busy"),
        parameters=(ID,),
    ),
)
