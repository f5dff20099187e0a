"""What EC2 tells a spot machine about its end, read from the instance metadata service (IMDSv2).

spot/instance-action                404 ─▶ {"action": "terminate", "time": …}   about two minutes ahead, best effort
events/recommendations/rebalance    404 ─▶ {"noticeTime": …}                    earlier, and often for nothing
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

log = logging.getLogger(__name__)

LINK_LOCAL = "http://169.254.169.254"
TOKEN_S = 6 * 3600
ANSWER_S = 1.0
LOOK_S = 1.0  # AWS advises every 5 s or sooner; a job goes back within 6 s of the notice
QUIET_AFTER = 3  # unanswered looks in a row until the log is told, once


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A machine's end, announced. `at` is the time as AWS words it."""

    kind: Literal["interruption", "rebalance"]
    at: str


class Metadata:
    """Reads notices from one metadata service; keeps its session token."""

    def __init__(self, endpoint: str = LINK_LOCAL) -> None:
        from urllib.request import ProxyHandler, build_opener  # noqa: PLC0415 — EC2's machines only

        self._endpoint = endpoint.rstrip("/")
        self._opener = build_opener(ProxyHandler({}))  # a proxy would answer for another machine
        self._token: str | None = None

    def notice(self) -> Notice | None:
        """The gravest notice there is now, or None. Raises OSError when nobody answers."""
        if action := self._document("spot/instance-action"):
            return Notice(kind="interruption", at=str(action.get("time", "")))
        if advice := self._document("events/recommendations/rebalance"):
            return Notice(kind="rebalance", at=str(advice.get("noticeTime", "")))
        return None

    def _document(self, path: str) -> dict[str, object] | None:
        """The JSON at a path, None where there is none. A token that went stale is replaced once."""
        from urllib.error import HTTPError  # noqa: PLC0415

        for fresh in (False, True):
            if self._token is None or fresh:
                self._token = self._asked("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_S)})
            try:
                words = self._asked("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})
            except HTTPError as answer:
                answer.close()
                if answer.code == 404:
                    return None
                if answer.code != 401 or fresh:
                    raise
                continue
            document = json.loads(words)
            return document if isinstance(document, dict) else {}
        return None

    def _asked(self, method: str, path: str, headers: dict[str, str]) -> str:
        from urllib.request import Request  # noqa: PLC0415

        request = Request(f"{self._endpoint}/latest/{path}", method=method, headers=headers)  # noqa: S310 — http only
        with self._opener.open(request, timeout=ANSWER_S) as answer:
            return str(answer.read(65536).decode())


def metadata_of(environ: Mapping[str, str], *, fleet: str) -> Metadata | None:
    """The service a worker should listen to: only a machine of EC2's has one, unless the environment names another."""
    if environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return None
    named = environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "")
    if named or fleet.startswith("ec2:"):
        return Metadata(named or LINK_LOCAL)
    return None


def listen(metadata: Metadata, hear: Callable[[Notice], None], stopped: threading.Event) -> threading.Thread:
    """Look every LOOK_S in a thread of its own and tell each new notice, until `stopped` or an interruption."""
    from http.client import HTTPException  # noqa: PLC0415

    def look() -> None:
        told: Notice | None = None
        unanswered = 0
        while not stopped.wait(LOOK_S if unanswered <= QUIET_AFTER else 10 * LOOK_S):
            try:
                notice = metadata.notice()
            except (OSError, ValueError, HTTPException) as error:
                unanswered += 1
                if unanswered == QUIET_AFTER:
                    log.warning("no notice of an interruption can be heard: %s", error)
                continue
            unanswered = 0
            if notice is None or notice == told:
                continue
            told = notice
            hear(notice)
            if notice.kind == "interruption":
                return

    thread = threading.Thread(target=look, name="notice", daemon=True)
    thread.start()
    return thread
