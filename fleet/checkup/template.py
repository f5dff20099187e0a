"""The launch template and its image: what makes a machine safe, and lets it find its slot and end for good."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet.checkup.finding import Finding, error, warning
from fleet.checkup.questions import Questions
from fleet.instance_types import IMAGE_ARCHITECTURE
from jobs.clients import Declined

SHARED = ("BLOBS", "QUEUE", "TABLE")  # what API and machines must agree on
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
DEPLOY = "Run `make deploy`, or make a new default version under EC2, Launch Templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`data` is the default version's, in EC2's words. `image` is None when there is none by that id, and not asked
    for when the template names it by a parameter.
    """

    name: str
    data: Mapping[str, Any] | None
    image: Mapping[str, Any] | None = None
    stores: Mapping[str, str] = field(default_factory=dict)


def observed(questions: Questions, name: str, *, stores: Mapping[str, str]) -> Template:
    """Raises Forbidden, StoreBusy and Declined. `stores` are BLOBS, QUEUE and TABLE as they are set here."""
    named = "LaunchTemplateId" if name.startswith("lt-") else "LaunchTemplateName"
    try:
        wanted: dict[str, Any] = {named: name, "Versions": ["$Default"]}
        told = questions.ask("ec2", "describe_launch_template_versions", **wanted)
    except Declined as no:
        if no.code.startswith("InvalidLaunchTemplate"):
            return Template(name=name, data=None)
        raise
    data = told["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    image = None
    if str(data.get("ImageId", "")).startswith("ami-"):
        try:
            image = next(iter(questions.ask("ec2", "describe_images", ImageIds=[data["ImageId"]])["Images"]), None)
        except Declined as no:
            if not no.code.startswith("InvalidAMI"):
                raise
    return Template(name=name, data=data, image=image, stores=stores)


def findings(template: Template) -> list[Finding]:
    """Pure."""
    name, data = template.name, template.data
    if data is None:
        return [
            error("no_template", f"There is no launch template {name}.", "Run `make deploy`, and set FLEET as it says.")
        ]
    found = [*_image(template), *_user_data(template)]
    options = data.get("MetadataOptions", {})
    if options.get("HttpTokens") != "required":
        found.append(
            error(
                "template_without_imdsv2",
                f"Machines of {name} answer metadata requests without a session (IMDSv1), and so give their role's "
                "keys to whoever tricks a process there into one GET.",
                f"{DEPLOY}, with Metadata version V2 only.",
            )
        )
    if options.get("InstanceMetadataTags") != "enabled":
        found.append(
            error(
                "template_without_tags",
                f"Machines of {name} cannot read their own tags, and so not which slot they are.",
                f"{DEPLOY}, with Allow tags in metadata enabled.",
            )
        )
    if data.get("InstanceInitiatedShutdownBehavior") != "terminate":
        found.append(
            error(
                "template_only_stops",
                f"Machines of {name} only stop when they power off: their volumes stay, and are billed.",
                f"{DEPLOY}, with Shutdown behavior Terminate.",
            )
        )
    if any(each.get("SubnetId") for each in data.get("NetworkInterfaces", [])):
        found.append(
            error(
                "template_names_subnet",
                f"The template {name} names a subnet, so EC2 takes it in none of the other zones.",
                f"{DEPLOY}, with no subnet; SUBNETS may name them here.",
            )
        )
    if not data.get("IamInstanceProfile"):
        found.append(
            error(
                "template_without_role",
                f"Machines of {name} have no role, and so reach neither bucket nor queue nor table.",
                f"{DEPLOY}, with the worker's instance profile.",
            )
        )
    disks = [each.get("Ebs", {}) for each in data.get("BlockDeviceMappings", [])]
    if any(disk.get("Encrypted") is False for disk in disks):
        found.append(
            warning("template_open_disk", f"Disks of {name} are not encrypted.", f"{DEPLOY}, with encrypted volumes.")
        )
    return found


def _image(template: Template) -> list[Finding]:
    assert template.data is not None
    named, image = str(template.data.get("ImageId", "")), template.image
    bake = "Run `make bake`, then `make deploy`, which takes the newest image."
    if named.startswith("resolve:"):
        return []  # a parameter of Systems Manager; EC2 looks it up at each launch
    if image is None:
        return [error("image_missing", f"The image {named or 'of no id'} of {template.name} does not exist.", bake)]
    if image.get("State") != "available":
        return [error("image_not_available", f"The image {named} is {image.get('State')}.", bake)]
    if image.get("Architecture") != IMAGE_ARCHITECTURE:
        said = f"The image {named} is for {image.get('Architecture')}; every type of ours is {IMAGE_ARCHITECTURE}."
        return [error("image_architecture", said, bake)]
    return []


def _user_data(template: Template) -> list[Finding]:
    assert template.data is not None
    given = _settings_in(str(template.data.get("UserData", "")))
    found = []
    if other := [name for name in SHARED if given.get(name) != template.stores.get(name)]:
        told = ", ".join(f"{name}={given.get(name, '(none)')}" for name in other)
        found.append(
            error(
                "template_other_stores",
                f"Machines of {template.name} are told {told}, which is not what is set here: they take no photo of "
                "this service.",
                f"{DEPLOY}, or set the same here.",
            )
        )
    if secret := [name for name in SECRETS if name in given]:
        found.append(
            error(
                "template_holds_secret",
                f"The user data of {template.name} holds {secret[0]}; whoever may describe it may read that.",
                f"{DEPLOY}, without it, and make that key invalid; the machines' role is enough.",
            )
        )
    return found


def _settings_in(user_data: str) -> dict[str, str]:
    try:
        lines = base64.b64decode(user_data).decode().splitlines()
    except (binascii.Error, UnicodeDecodeError):
        return {}
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and line[0] != "#")
    return {name.strip(): value.strip() for name, _, value in pairs}
