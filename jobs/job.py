"""A job: one accepted photo and everything that is known about its enhancement."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

State = Literal["queued", "running", "done", "failed", "cancelled"]
Phase = Literal[
    "waiting_for_capacity",
    "machine_failing",
    "no_worker",
    "starting_machine",
    "loading_model",
    "in_line",
    "fetching",
    "decoding",
    "enhancing",
    "encoding",
    "storing",
]
FINISHED: tuple[State, ...] = ("done", "failed", "cancelled")
LAYOUT_VERSION = 1
FORMATS: dict[str, tuple[str, str]] = {  # output format → media type, file name's suffix
    "jpeg": ("image/jpeg", "jpg"),
    "png": ("image/png", "png"),
    "webp": ("image/webp", "webp"),
    "tiff": ("image/tiff", "tif"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A worker's right to publish: only the holder of the current `token` may (S5)."""

    token: str
    holder: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The bright picture in the blob store; length and sha256 prove it whole (S3)."""

    key: str
    size: int
    sha256: str
    media_type: str
    width: int
    height: int
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job failed: a code of the registry and the particulars."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of the job table. Times are wall-clock milliseconds UTC.

    `version` grows when a client would see something new (state, phase); heartbeats and progress leave it.
    `photo` is the probe's facts as JSON; `ratio` None means `auto`. A photo that came straight into the store has
    neither facts nor sha256 until a worker read it: `source_version` pins its bytes. Fields that this release does not
    know are kept in `unknown` and written back.
    """

    id: str
    v: int = LAYOUT_VERSION
    version: int = 1
    state: State = "queued"
    phase: Phase | None = "in_line"
    phase_since_ms: int
    progress: float = 0.0
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    deadline_ms: int
    expires_ms: int
    ratio: float | None
    format: str
    photo: dict[str, Any]
    source_key: str
    source_size: int
    source_sha256: str
    source_version: str = ""
    result: Result | None = None
    error: JobError | None = None
    attempts: int = 0
    epoch: int = 0
    lease: Lease | None = None
    owner_sha256: str
    visitor: str
    sent_ms: int
    sends: int = 1
    deleted: bool = False
    unknown: dict[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    def to_json(self) -> str:
        row = {name: getattr(self, name) for name in NAMES}
        return json.dumps(self.unknown | row, default=asdict, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read a row of this, an older or a newer layout. Raises ValueError when it cannot be a job's."""
        row: Any = json.loads(text)
        if not isinstance(row, dict):
            raise ValueError(f"not the row of a job: {text[:20]}")  # noqa: TRY004 — one fact for all such texts
        unknown = {name: row.pop(name) for name in list(row) if name not in NAMES}
        try:
            for name, kind in (("lease", Lease), ("result", Result), ("error", JobError)):
                if row.get(name) is not None:
                    parts = {each.name for each in fields(kind)}
                    row[name] = kind(**{part: value for part, value in row[name].items() if part in parts})
            return cls(**row, unknown=unknown)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not the row of a job: {error}") from error


NAMES = {each.name: None for each in fields(Job) if each.name != "unknown"}  # in their order; a row has thousands read


def job_key(job_id: str) -> str:
    """The key of a job's row."""
    return f"job/{job_id}"
