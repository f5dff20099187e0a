"""The bucket: there, ours, closed to the public, and emptied of what the sweep may miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from jobs.clients import Declined
from jobs.errors import StoreUnusable

NONE_THERE = ("404", "NoSuchBucket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`region` is the bucket's, `ours` the one that is asked."""

    name: str
    exists: bool
    region: str = ""
    ours: str = ""
    closed: bool = True
    expires: bool = True


def observed(questions: Questions, url: str) -> Bucket:
    """Raises Forbidden, StoreBusy."""
    name = urlsplit(url).netloc
    try:
        head = questions.ask("s3", "head_bucket", Bucket=name)
    except Declined as no:
        if no.code in NONE_THERE:
            return Bucket(name=name, exists=False)
        raise
    except StoreUnusable as no:
        if "NoSuchBucket" in str(no):
            return Bucket(name=name, exists=False)
        raise
    block = _configured(questions, "get_public_access_block", name, "PublicAccessBlockConfiguration")
    rules = _configured(questions, "get_bucket_lifecycle_configuration", name, "Rules")
    return Bucket(
        name=name,
        exists=True,
        region=head["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", ""),
        ours=questions.region(),
        closed=bool(block) and all(block.values()),
        expires=any(each.get("Status") == "Enabled" and "Expiration" in each for each in rules or []),
    )


def _configured(questions: Questions, operation: str, name: str, part: str) -> Any:  # in S3's words
    try:
        return questions.ask("s3", operation, Bucket=name)[part]
    except Declined as no:
        if no.code.startswith("NoSuch"):
            return None
        raise


def findings(bucket: Bucket) -> list[Finding]:
    """Pure."""
    if not bucket.exists:
        return [
            error(
                "no_bucket",
                f"There is no bucket {bucket.name}.",
                "Run `firstlight setup` or `make deploy`, and set BLOBS as it says.",
            )
        ]
    found = []
    if bucket.region and bucket.ours and bucket.region != bucket.ours:
        found.append(
            warning(
                "bucket_elsewhere",
                f"The bucket {bucket.name} lies in {bucket.region}, everything else in {bucket.ours}: photos travel, "
                "and the way is billed.",
                f"Set AWS_DEFAULT_REGION={bucket.region}, or choose a bucket in {bucket.ours}.",
            )
        )
    if not bucket.closed:
        found.append(
            error(
                "bucket_open",
                f"The bucket {bucket.name} does not block public access.",
                "Run `firstlight setup`, or switch on Block Public Access under S3, Permissions.",
            )
        )
    if not bucket.expires:
        found.append(
            warning(
                "bucket_keeps_all",
                f"The bucket {bucket.name} has no lifecycle rule: what the sweep misses stays, and is billed.",
                "Run `firstlight setup`: it adds the rule.",
            )
        )
    return found
