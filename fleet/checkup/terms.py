"""The settings as a whole: combinations that are allowed and that nobody should want."""

from __future__ import annotations

from fleet.checkup.finding import Finding, error, warning
from jobs.settings import Settings

LONG_IDLE_S = 600.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def findings(settings: Settings) -> list[Finding]:
    """Pure."""
    found = []
    if settings.fleet.startswith("ec2:"):
        found += _on_ec2(settings)
    if settings.max_machines == 0 and not settings.fleet.startswith("none:"):
        found.append(error("no_machines", "MAX_MACHINES=0: no machine is ever started.", "Set MAX_MACHINES=1 or more."))
    if settings.ready_deadline_s > settings.hard_age_s:
        found.append(
            error(
                "ready_after_end",
                "READY_DEADLINE_S is longer than HARD_AGE_S: machines are ended before they need to be ready.",
                "Set READY_DEADLINE_S=300 HARD_AGE_S=43200.",
            )
        )
    if settings.job_deadline_s < settings.ready_deadline_s:
        found.append(
            warning(
                "deadline_before_machine",
                "JOB_DEADLINE_S is shorter than READY_DEADLINE_S: photos may fail while their machine still boots.",
                "Set JOB_DEADLINE_S=21600.",
            )
        )
    if settings.host not in LOOPBACK and not settings.upload_limit:
        found.append(
            warning(
                "no_upload_limit",
                f"HOST={settings.host} lets others in, and UPLOAD_LIMIT=0 lets each send without end.",
                "Set UPLOAD_LIMIT=30.",
            )
        )
    return found


def _on_ec2(settings: Settings) -> list[Finding]:
    found = []
    local = [
        name.upper() for name in ("blobs", "queue", "table") if getattr(settings, name).startswith(("file:", "sqlite:"))
    ]
    if local:
        found.append(
            error(
                "stores_out_of_reach",
                f"FLEET is EC2's, but {' and '.join(local)} lie on this computer, where no machine reaches them.",
                "Run `firstlight setup`, and set what it prints: BLOBS=s3://…, QUEUE=https://sqs…, TABLE=dynamodb://…",
            )
        )
    if not settings.dollar_budget:
        found.append(
            warning(
                "no_dollar_budget",
                "DOLLAR_BUDGET=0: only HARD_AGE_S and MAX_MACHINES bound what machines cost a day.",
                "Set DOLLAR_BUDGET=5.",
            )
        )
    if not settings.warm_budget:
        found.append(
            warning(
                "no_warm_budget",
                "WARM_BUDGET=0: whoever opens the page may start machines without end.",
                "Set WARM_BUDGET=20.",
            )
        )
    if settings.idle_s >= LONG_IDLE_S:
        found.append(
            warning(
                "long_idle",
                f"IDLE_S={settings.idle_s:.0f}: an EC2 machine is billed for {settings.idle_s / 60:.0f} minutes after "
                "each visit.",
                "Set IDLE_S=90 IDLE_LEAST_S=25 IDLE_MOST_S=600.",
            )
        )
    return found
