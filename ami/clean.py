"""Removes machine images that nobody needs any more: `clean.py [--keep N] [--yes]`, of every flavour the older ones.

What a launch template names stays in any case: `make deploy` names the newest, `make destroy` none.
An image is deregistered first and its snapshots are deleted then; a snapshot whose image went in an earlier, broken
run is found by its tags.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.requests import PROJECT_TAG
from jobs.clients import Clients, Declined, reaching
from jobs.errors import StoreBusy

FLAVOUR_TAG = "firstlight-flavour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Baked:
    """A machine image; `made` is EC2's ISO time, which sorts as text."""

    id: str
    flavour: str
    made: str
    snapshots: tuple[str, ...]


def outdated(images: Iterable[Baked], *, keep: int, used: Collection[str]) -> list[Baked]:
    """All but the newest `keep` of each flavour and those that a launch template names, oldest first."""
    by_flavour: dict[str, list[Baked]] = defaultdict(list)
    for image in sorted(images, key=lambda each: (each.made, each.id)):
        by_flavour[image.flavour].append(image)
    older = [image for images in by_flavour.values() for image in images[: max(0, len(images) - keep)]]
    return sorted((each for each in older if each.id not in used), key=lambda each: each.made)


def orphans(snapshots: Mapping[str, str], images: Iterable[Baked]) -> list[str]:
    """Snapshots (with the state of each) that belong to no image; one still being made is somebody's bake."""
    held = {snapshot for image in images for snapshot in image.snapshots}
    return sorted(snapshot for snapshot, state in snapshots.items() if state == "completed" and snapshot not in held)


def baked(told: Mapping[str, Any]) -> Baked:
    """One of DescribeImages' images."""
    tags = {each["Key"]: each["Value"] for each in told.get("Tags", ())}
    return Baked(
        id=told["ImageId"],
        flavour=tags.get(FLAVOUR_TAG, ""),
        made=told.get("CreationDate", ""),
        snapshots=tuple(
            each["Ebs"]["SnapshotId"]
            for each in told.get("BlockDeviceMappings", ())
            if each.get("Ebs", {}).get("SnapshotId")
        ),
    )


class Images:
    """This project's images and snapshots in the account. Raises StoreBusy."""

    def __init__(self, clients: Clients, *, project: str) -> None:
        self._clients = clients
        self._ours = {"Filters": [{"Name": f"tag:{PROJECT_TAG}", "Values": [project]}]}

    def all(self) -> list[Baked]:
        return [baked(each) for each in self._ask("describe_images", Owners=["self"], **self._ours)["Images"]]

    def used(self) -> set[str]:
        """Images that any launch template's default version names."""
        templates = self._ask("describe_launch_templates")["LaunchTemplates"]
        found = set()
        for template in templates:
            told = self._ask(
                "describe_launch_template_versions",
                LaunchTemplateId=template["LaunchTemplateId"],
                Versions=["$Default"],
            )
            found |= {each["LaunchTemplateData"].get("ImageId", "") for each in told["LaunchTemplateVersions"]}
        return found

    def snapshots(self) -> dict[str, str]:
        """State by id."""
        told = self._ask("describe_snapshots", OwnerIds=["self"], **self._ours)["Snapshots"]
        return {each["SnapshotId"]: each["State"] for each in told}

    def remove(self, image: Baked) -> None:
        self._ask("deregister_image", ImageId=image.id)
        for snapshot in image.snapshots:
            self.remove_snapshot(snapshot)

    def remove_snapshot(self, snapshot: str) -> None:
        try:
            self._ask("delete_snapshot", SnapshotId=snapshot)
        except Declined as no:
            if no.code != "InvalidSnapshot.NotFound":
                raise

    def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        client = self._clients.client("ec2")
        with reaching("ec2"):
            answer: dict[str, Any] = getattr(client, operation)(**request)
        return answer


def main(arguments: Sequence[str], project: str) -> int:
    parser = argparse.ArgumentParser(prog="clean.py", description=__doc__)
    parser.add_argument("--keep", type=int, default=1, help="images of each flavour that stay, the newest; 0: none")
    parser.add_argument("--yes", action="store_true", help="do it; otherwise only tell")
    chosen = parser.parse_args(arguments)
    images = Images(Clients(), project=project)
    try:
        known = images.all()
        old, lost = outdated(known, keep=max(0, chosen.keep), used=images.used()), orphans(images.snapshots(), known)
        for image in old:
            print(f"{image.id}  {image.flavour or '?':4} {image.made}  {len(image.snapshots)} snapshots")
            if chosen.yes:
                images.remove(image)
        for snapshot in lost:
            print(f"{snapshot}  without an image")
            if chosen.yes:
                images.remove_snapshot(snapshot)
    except (StoreBusy, Declined) as fact:
        print(f"make bake-clean: {fact}", file=sys.stderr)
        return 1
    done = "removed" if chosen.yes else "would go; `make bake-clean YES=1` removes them"
    print(f"{len(old)} images and {len(lost)} lone snapshots of {project} {done}, {len(known) - len(old)} images stay")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("PROJECT", "firstlight")))  # noqa: TID251 — an entry point
