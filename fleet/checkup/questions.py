"""Questions to AWS: only such as change nothing and cost nothing worth naming, and what a refusal means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

from jobs.clients import Clients, Declined, reaching
from jobs.clock import Clock
from jobs.errors import FirstlightError, StoreBusy

TRIES = 2
READ_ONLY = ("describe_", "get_", "list_", "head_")
DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403")
_NAMED = re.compile(r"to perform:? ([a-z0-9-]+:[A-Za-z]+)")
_PERMISSIONS = {  # operations that are allowed by a permission of another name
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "service-quotas:GetServiceQuota": "servicequotas:GetServiceQuota",
}


class Forbidden(FirstlightError):
    """The AWS identity lacks a permission, named as IAM's policies name it."""

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__(permission)


class Questions:
    """Asks, and remembers by how much this machine's clock differs from the answers' dates."""

    def __init__(self, clients: Clients, *, clock: Clock) -> None:
        self.clients = clients
        self.ahead_ms: int | None = None
        self._clock = clock

    def ask(self, service: str, operation: str, *, endpoint: str | None = None, **request: Any) -> dict[str, Any]:
        """Raises Forbidden, Declined, StoreBusy and StoreUnusable, and ValueError for what is no question."""
        if not operation.startswith(READ_ONLY):
            raise ValueError(f"{operation} is no question")
        with naming_permission(service):
            client = self.clients.client(service, tries=TRIES, endpoint=endpoint)
            with reaching(service):
                answer: dict[str, Any] = self._dated(lambda: getattr(client, operation)(**request))
        return answer

    def region(self) -> str:
        """The region that is asked. Raises StoreUnusable when none is chosen."""
        with reaching("aws"):
            return str(self.clients.client("sqs", tries=TRIES).meta.region_name)

    def _dated(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 — a laptop needs no boto3

        try:
            answer = call()
        except ClientError as no:
            self._compare(no.response)
            raise
        self._compare(answer)
        return answer

    def _compare(self, answer: Any) -> None:
        dated = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
        if dated:
            self.ahead_ms = self._clock() - int(parsedate_to_datetime(dated).timestamp() * 1000)


@contextmanager
def naming_permission(service: str) -> Iterator[None]:
    """Turn a refusal for want of a permission into Forbidden, whoever asked; `service` is IAM's word for the store."""
    try:
        yield
    except (StoreBusy, Declined) as error:
        if permission := _permission(service, error):
            raise Forbidden(permission) from error
        raise


def _permission(service: str, error: FirstlightError) -> str:
    """The permission that AWS missed; nothing when it said something else."""
    said: Any = error.__cause__
    answer: dict[str, Any] = getattr(said, "response", None) or {}
    told = answer.get("Error", {})
    if told.get("Code") not in DENIED:
        return ""
    if named := _NAMED.search(told.get("Message", "")):
        return named[1]
    operation = f"{service}:{getattr(said, 'operation_name', '')}"
    return _PERMISSIONS.get(operation, operation)
