"""Jobs, orders and results to begin with."""

from __future__ import annotations

import hashlib

from jobs.intake import Order
from jobs.job import Job, Result
from jobs.transitions import Terms

NOW = 1_800_000_000_000
TERMS = Terms(lease_ms=30_000, keep_ms=86_400_000)
DEADLINE_MS = 6 * 3_600_000
PHOTO = b"a dark photo"


def a_job(**facts: object) -> Job:
    known = {
        "id": "a",
        "phase_since_ms": NOW,
        "created_ms": NOW,
        "deadline_ms": NOW + DEADLINE_MS,
        "expires_ms": NOW + DEADLINE_MS + TERMS.keep_ms,
        "ratio": None,
        "format": "jpeg",
        "photo": {"format": "jpeg"},
        "source_key": "in/a",
        "source_size": len(PHOTO),
        "source_sha256": hashlib.sha256(PHOTO).hexdigest(),
        "owner_sha256": "0" * 64,
        "visitor": "192.0.2.1",
        "sent_ms": NOW,
    }
    return Job(**known | facts)


def a_result(token: str, *, job: str = "a") -> Result:
    return Result(key=f"out/{job}/{token}", size=3, sha256="s", media_type="image/jpeg", width=1, height=1, ratio=4.0)


def an_order(**facts: object) -> Order:
    known = {
        "ratio": None,
        "format": "jpeg",
        "photo": {"format": "jpeg"},
        "size": len(PHOTO),
        "sha256": hashlib.sha256(PHOTO).hexdigest(),
        "visitor": "192.0.2.1",
    }
    return Order(**known | facts)
