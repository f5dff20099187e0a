"""What Terraform does not know of: machines that the service has launched, and images that baking has left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from fleet.requests import PROJECT_TAG
from jobs.clients import Clients, reaching

END_S = 600.0
LOOK_S = 2.0
GONE = ("terminated",)


class MachinesRemain(Exception):
    """These do not end; the message says what to do."""


class Leaving:
    """One project's things in EC2, found by its tag."""

    def __init__(
        self,
        clients: Clients,
        project: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clients = clients
        self._wanted = [{"Name": f"tag:{PROJECT_TAG}", "Values": [project]}]
        self._sleep = sleep
        self._monotonic = monotonic

    def machines(self) -> list[str]:
        """Ids of those that are not quite gone: until then they hold a network interface, and so the network."""
        return [
            instance["InstanceId"]
            for reservation in self._pages("describe_instances", "Reservations", Filters=self._wanted)
            for instance in reservation["Instances"]
            if instance["State"]["Name"] not in GONE
        ]

    def end_machines(self, tell: Callable[[str], None]) -> None:
        """Terminate all, and wait until they are gone. Raises MachinesRemain after ten minutes."""
        ends = self._monotonic() + END_S
        told: set[str] = set()
        while left := self.machines():
            if self._monotonic() > ends:
                raise MachinesRemain(
                    f"{', '.join(left)} do not end: look at them in EC2's console, then run this again"
                )
            for each in sorted(set(left) - told):
                tell(f"machine {each} ends")
            told |= set(left)
            self._ask("terminate_instances", InstanceIds=left)
            self._sleep(LOOK_S)

    def baked(self) -> list[str]:
        """Images and snapshots that `make bake` has made; they cost $0.05 a month and GB."""
        images = self._ask("describe_images", Owners=["self"], Filters=self._wanted)["Images"]
        snapshots = self._pages("describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=self._wanted)
        return [each["ImageId"] for each in images] + [each["SnapshotId"] for each in snapshots]

    def volumes(self) -> list[str]:
        """A machine's disk goes with it; one that is still here was detached by hand."""
        return [each["VolumeId"] for each in self._pages("describe_volumes", "Volumes", Filters=self._wanted)]

    def _pages(self, operation: str, kind: str, **wanted: Any) -> Iterator[Any]:
        while True:
            answer = self._ask(operation, **wanted)
            yield from answer[kind]
            if not answer.get("NextToken"):
                return
            wanted["NextToken"] = answer["NextToken"]

    def _ask(self, operation: str, **wanted: Any) -> dict[str, Any]:
        with reaching("ec2"):
            answer: dict[str, Any] = getattr(self._clients.client("ec2"), operation)(**wanted)
        return answer
