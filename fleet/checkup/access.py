"""Access to AWS: a region, credentials that are taken, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.checkup import clock
from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from jobs.clients import Declined
from jobs.errors import StoreBusy, StoreUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who AWS says we are: `arn` is empty when it did not say, and `refusal` then why. `ahead_ms` is our clock's.

    `answered`: it was AWS that refused, and nothing on this side.
    """

    region: str
    arn: str = ""
    refusal: str = ""
    answered: bool = True
    credentials: bool = True
    reachable: bool = True
    ahead_ms: int | None = None


def observed(questions: Questions) -> Access:
    try:
        region = questions.region()
        who = questions.ask("sts", "get_caller_identity")
    except StoreUnusable as no:
        missing = type(no.__cause__).__name__ in ("NoCredentialsError", "PartialCredentialsError")
        region = "" if type(no.__cause__).__name__ == "NoRegionError" else "?"
        return Access(
            region=region,
            refusal=str(no),
            answered=type(no.__cause__).__name__ == "ClientError",
            credentials=not missing,
            ahead_ms=questions.ahead_ms,
        )
    except Declined as no:
        return Access(region="?", refusal=str(no), ahead_ms=questions.ahead_ms)
    except StoreBusy as away:
        return Access(region="?", refusal=str(away), reachable=False)
    return Access(region=region, arn=str(who["Arn"]), ahead_ms=questions.ahead_ms)


def findings(access: Access) -> list[Finding]:
    """Pure: at most one, the first that everything else waits for."""
    if access.arn.endswith(":root"):
        return [
            warning(
                "root_identity",
                f"The credentials are those of the account itself ({access.arn}), which nothing can restrict.",
                "Make an IAM role with the API's policy from deploy/, and use that.",
            )
        ]
    if access.arn:
        return []
    if not access.credentials:
        return [
            error(
                "no_credentials",
                "There are no AWS credentials, and the settings name stores or machines of AWS.",
                "Run `aws configure` or `aws sso login`, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the "
                "machine a role.",
            )
        ]
    if access.ahead_ms is not None and abs(access.ahead_ms) >= clock.REFUSED_MS:
        return clock.findings(access.ahead_ms)  # that is why they are refused
    return [_unanswered(access)]


def _unanswered(access: Access) -> Finding:
    if not access.region:
        return error("no_region", "No AWS region is chosen.", "Set AWS_DEFAULT_REGION, e.g. us-east-1.")
    if not access.reachable:
        return error(
            "aws_unreachable",
            f"AWS does not answer: {access.refusal}",
            "Look at this machine's network, its proxy, and AWS_ENDPOINT_URL if that is set.",
        )
    if not access.answered:
        return error(
            "aws_settings",
            f"AWS cannot be asked: {access.refusal}.",
            "Do what is said there; `aws sts get-caller-identity` asks the same.",
        )
    return error(
        "credentials_refused",
        f"AWS does not take the credentials: {access.refusal}",
        "Renew them: `aws sso login`, or a new access key under IAM, Users, Security credentials.",
    )
