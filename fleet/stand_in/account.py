"""What moto keeps of the stand-in's account and the region must know: subnets, launch templates and their user data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from fleet.stand_in.weather import Fault
from jobs.clients import Clients, Declined, reaching

IMAGE = "ami-12c6146b"  # one of moto's own


class Account:
    """Asks moto over its own endpoint, as anybody would."""

    def __init__(self, endpoint: str, *, clients: Clients | None = None) -> None:
        self._endpoint = endpoint
        self._clients = clients or Clients()

    def subnets(self) -> dict[str, str]:
        """Zone by subnet."""
        with reaching("moto"):
            told = self._ec2().describe_subnets()["Subnets"]
        return {each["SubnetId"]: each["AvailabilityZone"] for each in told}

    def user_data(self, template: str) -> dict[str, str]:
        """A template's user data, read as lines of NAME=VALUE. Raises Fault when there is no such template."""
        named = "LaunchTemplateId" if template.startswith("lt-") else "LaunchTemplateName"
        try:
            with reaching("moto"):
                told = self._ec2().describe_launch_template_versions(**{named: template, "Versions": ["$Default"]})
        except Declined as error:
            raise Fault(error.code, str(error)) from error
        data = told["LaunchTemplateVersions"][0]["LaunchTemplateData"].get("UserData", "")
        lines = base64.b64decode(data).decode().splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and line[0] != "#")
        return {name.strip(): value.strip() for name, _, value in pairs}

    def put_template(self, name: str, environ: Mapping[str, str]) -> None:
        """A launch template as deploy/ makes them, whose machines get this environment."""
        lines = "".join(f"{key}={value}\n" for key, value in environ.items())
        data = {
            "ImageId": IMAGE,
            "UserData": base64.b64encode(lines.encode()).decode(),
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "InstanceMetadataTags": "enabled"},
            "IamInstanceProfile": {"Name": "firstlight-worker"},
        }
        with reaching("moto"):
            self._ec2().create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)

    def _ec2(self) -> Any:
        return self._clients.client("ec2", endpoint=self._endpoint)
