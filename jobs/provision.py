"""The bucket, the queues and the table that the cloud's adapters need, made where Terraform does not make them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jobs.clients import Clients, Declined, reaching
from jobs.errors import StoreBusy
from jobs.settings import Settings
from jobs.table import DUE, LISTED

MAX_RECEIVES = 20  # then a message goes to the dead-letter queue; a job has three attempts, and its row decides
RETENTION_S = 14 * 24 * 3600
TABLE_S = 120
DAY_S = 24 * 3600
TABLE_LAYOUT: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "row_key", "AttributeType": "S"},
        {"AttributeName": "due_list", "AttributeType": "S"},
        {"AttributeName": "due_ms", "AttributeType": "N"},
        {"AttributeName": "listed_in", "AttributeType": "S"},
        {"AttributeName": "rank_ms", "AttributeType": "N"},
    ],
    "KeySchema": [{"AttributeName": "row_key", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": listed, "KeyType": "HASH"},
                {"AttributeName": ordered, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for name, listed, ordered in ((DUE, "due_list", "due_ms"), (LISTED, "listed_in", "rank_ms"))
    ],
    "BillingMode": "PAY_PER_REQUEST",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the stores are called; the account and the region decide the rest of the queue's URL."""

    bucket: str
    queue: str
    table: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is or will be so, in words, and how to bring it about; doing it again changes nothing."""

    says: str
    do: Callable[[], None]


class Provision:
    """Steps towards the stores. `queue_url` is known once the queue's step is done."""

    def __init__(
        self, clients: Clients, names: Names, settings: Settings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clients = clients
        self._names = names
        self._settings = settings
        self._sleep = sleep
        self.queue_url = ""

    def steps(self) -> Iterator[Step]:
        names, days = self._names, self._days()
        origins = ", ".join(self._origins()) or "no other"
        yield Step(says=f"bucket {names.bucket}", do=self._make_bucket)
        yield Step(says="  private and encrypted", do=self._close_bucket)
        yield Step(says=f"  photos and pictures removed after {days} days", do=self._expire_blobs)
        yield Step(says=f"  signed links readable by any page, uploads from {origins} origin", do=self._open_to_pages)
        yield Step(
            says=f"queue {names.queue}, what fails {MAX_RECEIVES} times to {names.queue}-dead", do=self._make_queues
        )
        yield Step(says=f"table {names.table}, paid by request", do=self._make_table)
        yield Step(says="  counters removed after their expiry", do=self._expire_counters)

    def settings_lines(self) -> list[str]:
        return [
            f"BLOBS=s3://{self._names.bucket}",
            f"QUEUE={self.queue_url}",
            f"TABLE=dynamodb://{self._names.table}",
        ]

    def _make_bucket(self) -> None:
        region = self._clients.client("s3").meta.region_name
        where = (
            {}
            if region in (None, "us-east-1", "aws-global")
            else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        )
        try:
            self._ask("s3", "head_bucket", Bucket=self._names.bucket)
        except Declined as no:
            if no.code not in ("404", "NoSuchBucket"):
                raise
            self._ask("s3", "create_bucket", Bucket=self._names.bucket, **where)

    def _close_bucket(self) -> None:
        closed = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        self._ask("s3", "put_public_access_block", Bucket=self._names.bucket, PublicAccessBlockConfiguration=closed)
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        self._ask(
            "s3",
            "put_bucket_encryption",
            Bucket=self._names.bucket,
            ServerSideEncryptionConfiguration={"Rules": [rule]},
        )

    def _expire_blobs(self) -> None:
        rule = {
            "ID": "firstlight",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": self._days()},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        self._ask(
            "s3",
            "put_bucket_lifecycle_configuration",
            Bucket=self._names.bucket,
            LifecycleConfiguration={"Rules": [rule]},
        )

    def _open_to_pages(self) -> None:
        # A page elsewhere that follows /result to a signed link has the origin `null` there, so reading is open to
        # all: the link's signature is the right to read, and browsers send no cookies along.
        seen = ["ETag", "Content-Length", "Content-Disposition"]
        rules = [{"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"], "ExposeHeaders": seen}]
        if origins := self._origins():
            rules.append({"AllowedMethods": ["POST"], "AllowedOrigins": origins, "AllowedHeaders": ["*"]})
        self._ask("s3", "put_bucket_cors", Bucket=self._names.bucket, CORSConfiguration={"CORSRules": rules})

    def _make_queues(self) -> None:
        dead = self._queue(f"{self._names.queue}-dead")
        kept = {"MessageRetentionPeriod": str(RETENTION_S)}
        self._ask("sqs", "set_queue_attributes", QueueUrl=dead, Attributes=kept)
        known = self._ask("sqs", "get_queue_attributes", QueueUrl=dead, AttributeNames=["QueueArn"])
        arn = known["Attributes"]["QueueArn"]
        self.queue_url = self._queue(self._names.queue)
        self._ask(
            "sqs",
            "set_queue_attributes",
            QueueUrl=self.queue_url,
            Attributes=kept
            | {
                "VisibilityTimeout": str(math.ceil(self._settings.lease_s)),
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}),
            },
        )

    def _queue(self, name: str) -> str:
        """The queue's URL; it is made if there is none."""
        return str(self._ask("sqs", "create_queue", QueueName=name)["QueueUrl"])

    def _make_table(self) -> None:
        name = self._names.table
        try:
            self._ask("dynamodb", "create_table", TableName=name, **TABLE_LAYOUT)
        except Declined as no:
            if no.code != "ResourceInUseException":
                raise
        for _ in range(TABLE_S):
            if self._ask("dynamodb", "describe_table", TableName=name)["Table"]["TableStatus"] == "ACTIVE":
                return
            self._sleep(1.0)
        raise StoreBusy(f"the table {name} is not ready after {TABLE_S} s: run this again")

    def _expire_counters(self) -> None:
        name = self._names.table
        known = self._ask("dynamodb", "describe_time_to_live", TableName=name)["TimeToLiveDescription"]
        if known["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
            asked = {"Enabled": True, "AttributeName": "expires_s"}
            self._ask("dynamodb", "update_time_to_live", TableName=name, TimeToLiveSpecification=asked)

    def _days(self) -> int:
        """Whole days after which the sweeper has surely removed a blob itself."""
        return math.ceil((self._settings.job_deadline_s + self._settings.keep_s) / DAY_S) + 1

    def _origins(self) -> list[str]:
        return [each.strip() for each in self._settings.allowed_origins.split(",") if each.strip()]

    def _ask(self, service: str, operation: str, **request: Any) -> dict[str, Any]:
        client = self._clients.client(service)
        with reaching(service):
            answer: dict[str, Any] = getattr(client, operation)(**request)
        return answer


def account(clients: Clients) -> str:
    """The number of the account that the credentials belong to."""
    client = clients.client("sts")
    with reaching("sts"):
        return str(client.get_caller_identity()["Account"])
