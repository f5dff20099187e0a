"""What clients send and receive, as the pydantic models that validate it; /openapi.json is made from the same ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from jobs.errors import Refused
from jobs.job import Phase, State

RATIOS = (1.0, 300.0)
_NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?")


def _ratio(text: Any) -> float | None:
    if text in ("", "auto"):
        return None
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise ValueError("neither auto nor a plain number")
    return float(text)


def _or_jpeg(text: Any) -> Any:
    return text or "jpeg"


def _text(sent: Any) -> str:
    return sent if isinstance(sent, str) else ""


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class UploadFields(_Sent):
    """The text fields beside `image`; an empty field counts as one not sent."""

    ratio: Annotated[
        Annotated[float, Field(ge=RATIOS[0], le=RATIOS[1])] | None,
        BeforeValidator(_ratio, json_schema_input_type=str),
        Field(description="`auto`, or the exposure ratio wanted: 1 to 300"),
    ] = None
    format: Annotated[
        Literal["jpeg", "png", "webp", "tiff"], BeforeValidator(_or_jpeg), Field(description="of the result")
    ] = "jpeg"
    again: Annotated[str, Field(description="the id of an earlier photo, in place of `image`")] = ""


class DirectCall(_Sent):
    """What is asked of a photo that will be sent straight into the store."""

    size: Annotated[int, Field(strict=True, gt=0, description="the exact number of its bytes")]
    ratio: Annotated[
        Annotated[float, Field(strict=True, ge=RATIOS[0], le=RATIOS[1])] | Literal["auto"],
        Field(description="`auto`, or the exposure ratio wanted: 1 to 300"),
    ] = "auto"
    format: Annotated[Literal["jpeg", "png", "webp", "tiff"], Field(description="of the result")] = "jpeg"


class WarmCall(_Sent):
    """Why a machine may be needed soon: the page was opened, or a photo was picked. Or that its visitor leaves."""

    intent: Literal["view", "pick", "leave"] = "view"
    photo: Annotated[
        str,
        BeforeValidator(_text, json_schema_input_type=str),
        Field(description="with `leave`: the id of the newest photo that this page has sent; else not looked at"),
    ] = ""


def validated(sent: dict[str, str]) -> UploadFields:
    """The upload's text fields. Raises Refused (bad_ratio, bad_format)."""
    try:
        return UploadFields.model_validate(sent)
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise Refused(f"bad_{field}", f"{field}={sent[field][:40]!r} cannot be used.") from None


def direct_call(body: bytes) -> DirectCall:
    """The body of POST /upload/direct. Raises Refused (bad_size, bad_ratio, bad_format, malformed_request)."""
    try:
        return DirectCall.model_validate_json(body)
    except ValidationError as error:
        place = error.errors()[0]["loc"]
        field = str(place[0]) if place else ""
        raise Refused(f"bad_{field}" if field in DirectCall.model_fields else "malformed_request") from None


def warm_call(body: bytes) -> WarmCall:
    """The body of POST /warm; an empty one counts as a view. Raises Refused (bad_intent)."""
    try:
        return WarmCall.model_validate_json(body or b"{}")
    except ValidationError:
        raise Refused("bad_intent") from None


class Receipt(BaseModel):
    """What /upload answers. The owner token is told here and never again; it may cancel and delete the photo."""

    id: str
    state: State
    status_url: str
    result_url: str
    owner_token: str
    expires_at: str


class StoreForm(BaseModel):
    """Send `fields`, then the photo as `file`, as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str]


class Invitation(BaseModel):
    """What /upload/direct answers: fill the form, then POST to `confirm_url` with the owner token."""

    id: str
    upload: StoreForm
    confirm_url: str
    owner_token: str
    expires_at: str


class ResultFacts(BaseModel):
    """The bright picture: where it is, its size in pixels and bytes, and the exposure ratio that was used."""

    url: str
    width: int
    height: int
    size: int
    media_type: str
    ratio: float


class Failure(BaseModel):
    """Why a photo failed, in the registry's words."""

    code: str
    title: str
    detail: str
    cure: str


class Status(BaseModel):
    """All that may be known about a photo. `phase` says why it waits; what was not measured yet is null."""

    id: str
    state: State
    phase: Phase | None
    phase_seconds: float | None
    usual_seconds: Annotated[float | None, Field(description="how long this phase usually takes for such a photo")]
    slower_than_usual: Annotated[bool, Field(description="it lasts longer already than for nine photos in ten")]
    eta_seconds: float | None
    progress: Annotated[float, Field(ge=0, le=1)]
    attempts: int
    queue_position: Annotated[int | None, Field(description="photos that go before this one")]
    result: ResultFacts | None
    error: Failure | None
    created_at: str
    started_at: str | None
    ended_at: str | None
    expires_at: str


class Warmth(BaseModel):
    """Whether a machine is ready, and if not, why and for how long still."""

    state: Literal["ready", "starting", "none"]
    phase: Phase | None
    phase_seconds: float | None
    eta_seconds: float | None
    detail: str


class Health(BaseModel):
    """The service speaks."""

    status: Literal["ok"] = "ok"


class Problem(BaseModel):
    """RFC 9457: `code` is stable, `title` a sentence, `detail` the particulars, `cure` what the caller can do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    cure: str


def moment(milliseconds: int) -> str:
    """ISO 8601 in UTC: 1 700 000 000 123 → `2023-11-14T22:13:20.123Z`."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
