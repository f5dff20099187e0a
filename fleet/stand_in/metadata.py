"""The instance metadata service (IMDSv2) of each instance: session, role credentials, its tags, notices of its end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet.stand_in.instances import Instance

TOKEN = "stand-in-session"  # noqa: S105 — no secret: whoever reaches this port may read
ROLE = "firstlight-worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A status and a body."""

    status: int
    body: str = ""


NOTHING = Said(status=404)


def metadata(instance: Instance, method: str, path: str, token: str, *, now: int) -> Said:
    """What the service answers to a request for `/latest/…`. IMDSv2 only: without a session's token, 401."""
    if (method, path) == ("PUT", "api/token"):
        return Said(status=200, body=TOKEN)
    if token != TOKEN:
        return Said(status=401)
    if method != "GET" or not path.startswith("meta-data/"):
        return NOTHING
    return _entry(instance, path.removeprefix("meta-data/"), now)


def _entry(instance: Instance, name: str, now: int) -> Said:
    documents: dict[str, dict[str, Any] | None] = {
        f"iam/security-credentials/{ROLE}": {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": "testing",
            "SecretAccessKey": "testing",
            "Token": "testing",
            "LastUpdated": _time(now),
            "Expiration": _time(now + 6 * 3_600_000),
        },
        "spot/instance-action": (
            {"action": "terminate", "time": _time(instance.action_ms)} if instance.action_ms is not None else None
        ),
        "events/recommendations/rebalance": (
            {"noticeTime": _time(instance.rebalance_ms)} if instance.rebalance_ms is not None else None
        ),
    }
    if (document := documents.get(name)) is not None:
        return Said(status=200, body=json.dumps(document))
    plain = {
        "instance-id": instance.id,
        "instance-type": instance.type,
        "instance-life-cycle": instance.market,
        "placement/availability-zone": instance.zone,
        "iam/security-credentials/": ROLE,
        **{f"tags/instance/{key}": value for key, value in instance.tags.items()},
    }
    return Said(status=200, body=plain[name]) if name in plain else NOTHING


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
