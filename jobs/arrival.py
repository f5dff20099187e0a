"""Photos that reach the blob store without passing through us: the form that admits one, and what lies there after."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedForm:
    """Admits one blob: send `fields`, then the bytes as `file`, as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A blob as it lies there: its length in bytes, its first bytes, and the version that pins them all."""

    size: int
    head: bytes
    version: str
