"""The one registry of what can go wrong for a user: code, HTTP status, sentence, cure.

API, worker and page take their words from here, so a failure reads the same wherever it is met.

    FirstlightError
    ├── Refused            a request or a photo that cannot be served; carries a registered code
    ├── StoreBusy          a store stayed locked or unreachable for longer than it may
    │   └── StoreUnusable  it will stay so until the operator does something
    │       └── PermissionMissing   (jobs.clients)
    ├── BlobNotFound, BlobExists
    ├── RowExists, RowChanged
    ├── LeaseLost, NotClaimable     (jobs.transitions)
    └── Declined                    (jobs.clients)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail: `status` is the HTTP status, `title` a sentence, `cure` what the user can do."""

    code: str
    status: int
    title: str
    cure: str


class FirstlightError(Exception):
    """The root of every error this program raises on purpose."""


class StoreBusy(FirstlightError):
    """A store stayed locked or unreachable for longer than the caller may wait."""


class StoreUnusable(StoreBusy):
    """A store that waiting does not bring back: no credentials, no permission, no such bucket; says the cure.

    To everybody but the operator it is a busy store: no photo and no attempt pays for it.
    """


class BlobNotFound(FirstlightError):
    """No blob lies under this key."""


class BlobExists(FirstlightError):
    """Put-if-absent found a blob with other bytes under this key."""


class RowExists(FirstlightError):
    """A new row was to be written under a key that has one."""


class RowChanged(FirstlightError):
    """The row is no longer at the revision the writer had read."""


class Refused(FirstlightError):
    """A request or a photo that cannot be served, by a code of the registry; `detail` names the particulars."""

    def __init__(self, code: str, detail: str = "", *, retry_after_s: int | None = None) -> None:
        self.fault = FAULTS[code]
        self.code = code
        self.detail = detail
        self.retry_after_s = retry_after_s
        super().__init__(detail or self.fault.title)


def _registry(*faults: Fault) -> dict[str, Fault]:
    return {fault.code: fault for fault in faults}


FAULTS = _registry(
    # The request.
    Fault("image_missing", 400, "The request carries no photo.", "Send it as the multipart field `image`."),
    Fault("malformed_request", 400, "The request could not be read.", "Send multipart/form-data, as `curl -F` does."),
    Fault("bad_ratio", 400, "The exposure ratio is not usable.", "Use `auto` or a number from 1 to 300."),
    Fault("bad_format", 400, "The output format is not known.", "Use jpeg, png, webp or tiff."),
    Fault("bad_size", 400, "The photo's size is not usable.", 'Send {"size": …}, the exact number of its bytes.'),
    Fault(
        "bad_intent",
        400,
        "The intent is not known.",
        'Send {"intent": "view"}, {"intent": "pick"} or {"intent": "leave", "photo": "ID OF YOUR NEWEST PHOTO"}.',
    ),
    Fault(
        "bad_idempotency_key", 400, "The Idempotency-Key is not usable.", "Use 16 to 128 printable ASCII characters."
    ),
    Fault("bad_wait", 400, "The waiting time is not usable.", "Use `wait` with 0 to 20 seconds."),
    Fault("owner_token_missing", 401, "This needs the photo's owner token.", "Send `Authorization: Bearer` with it."),
    Fault("owner_token_wrong", 401, "The owner token is not this photo's.", "Use the token that /upload returned."),
    Fault("not_found", 404, "There is nothing here.", "It was never issued, has expired or was deleted."),
    Fault("no_direct_upload", 404, "Photos do not go straight into this store.", "Send the photo to /upload."),
    Fault("method_not_allowed", 405, "This address does not take that method.", "See /docs for what it takes."),
    Fault("upload_too_slow", 408, "The upload took too long.", "Send a smaller file, or use a faster connection."),
    Fault(
        "not_uploaded", 409, "The photo is not there yet.", "Send it to the address of /upload/direct, then confirm."
    ),
    Fault("not_ready", 409, "The picture is not ready.", "Ask /status, and fetch the result once it is done."),
    Fault("no_result", 409, "This photo has no picture.", "Ask /status why; send it again if the cure there says so."),
    Fault("key_spent", 409, "The photo sent with this key was deleted.", "Send it with a new Idempotency-Key."),
    Fault("source_gone", 409, "The original is not kept any more.", "Upload the photo again."),
    Fault("length_required", 411, "The upload does not say how long it is.", "Send a Content-Length, not chunks."),
    Fault("photo_too_large", 413, "The file is too large.", "Send a photo of at most 100 MB."),
    Fault("not_a_form", 415, "The request is not a form.", "Send multipart/form-data, as `curl -F` does."),
    Fault("range_not_satisfiable", 416, "The picture has no such bytes.", "Ask for a range within its length."),
    Fault(
        "unsupported_format",
        415,
        "This kind of file is not supported.",
        "Send JPEG, PNG, WebP, TIFF, HEIC, AVIF or raw.",
    ),
    Fault("key_reused", 422, "This Idempotency-Key came with another request before.", "Use a new key."),
    Fault("rate_limited", 429, "You have sent many photos lately.", "Wait a little, then send the next."),
    Fault("warm_budget_spent", 429, "No more machines are started ahead today.", "Uploads still start one."),
    # The photo.
    Fault("unreadable_photo", 422, "The photo cannot be read.", "Open it in another program and save it again."),
    Fault("too_many_pixels", 422, "The photo has too many pixels.", "Send at most 64 megapixels."),
    Fault("photo_too_small", 422, "The photo is too small.", "Each side needs at least 16 pixels."),
    Fault("photo_too_wide", 422, "A side of the photo is too long.", "Each side may have at most 20,000 pixels."),
    Fault("animated_photo", 422, "The file holds several pictures.", "Send a single picture."),
    Fault(
        "cmyk_photo",
        422,
        "The photo is in print colours (CMYK) and no profile says which.",
        "Convert it to RGB and send it again.",
    ),
    Fault("photo_kills_decoder", 422, "The photo stopped the program that reads it.", "Save it again elsewhere."),
    Fault("photo_too_slow", 422, "The photo takes too long to read.", "Save it again as a plain JPEG or PNG."),
    Fault("photo_needs_too_much_memory", 422, "The photo needs too much memory to read.", "Save it as a plain file."),
    # The service.
    Fault("no_attempts_left", 500, "The photo failed three times.", "Send it again; if it fails again, tell us."),
    Fault("deadline_passed", 504, "The photo waited too long for a machine.", "Send it again later."),
    Fault("source_lost", 500, "The stored photo was gone when its turn came.", "Upload the photo again."),
    Fault("internal", 500, "Something broke on our side.", "Try again; nothing you did is wrong."),
    Fault("store_busy", 503, "The service is overloaded.", "Try again in a few seconds."),
    Fault("disk_full", 503, "The service has no room for new photos.", "Try again later."),
    Fault("not_in_service", 503, "The service is starting or stopping.", "Try again in a few seconds."),
)
