"""Where it is deployed, beside where we are about to act: elsewhere Terraform finds nothing, and forgets all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def chosen_region(plan: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    """As Terraform's provider chooses it: its variable, then the environment; empty where ~/.aws decides."""
    variable = plan.get("variables", {}).get("region", {}).get("value")
    return str(variable or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "")


def elsewhere(told: Mapping[str, Any], *, account: str, region: str) -> str:
    """Why this is not the place that the outputs tell of, with the cure; empty where it is, or where there are none."""
    its_region = str(told.get("region", ""))
    its_account = str(told.get("api_role", "")).split(":")[4:5]
    if its_account and its_account != [account]:
        return (
            f"It is deployed in the account {its_account[0]}, and these credentials are of {account}: Terraform would "
            "forget what is there, and AWS would bill it on. Use that account's (AWS_PROFILE)."
        )
    if its_region and region and region != its_region:
        return (
            f"It is deployed in {its_region}, and {region} is chosen now: Terraform would forget what is there, and "
            f'AWS would bill it on. Set region = "{its_region}" in deploy/terraform.tfvars, or `make destroy` there '
            "first."
        )
    return ""
