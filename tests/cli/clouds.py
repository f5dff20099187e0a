"""A whole installation on a stand-in for AWS, healthy until a test plants a fault in it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fleet.attendance import Attendance
from fleet.checkup.checks import CHECKS
from fleet.checkup.rounds import Report, run
from fleet.checkup.world import World, open_world
from fleet.launcher import Launcher
from fleet.requests import EPOCH_TAG, PROJECT_TAG, SLOT_TAG
from fleet.stand_in.cloud import LocalCloud
from fleet.tick import tick_once
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.job import Job
from jobs.ports import Ports, open_ports
from jobs.provision import Names, Provision
from jobs.settings import Settings
from tests.fleet.clouds import Cloud
from tests.jobs.made import a_job

CLOUD_TERMS = {"IDLE_S": "90", "IDLE_MOST_S": "600", "WARM_BUDGET": "20", "DOLLAR_BUDGET": "5", "UPLOAD_LIMIT": "30"}
_numbers = itertools.count()


@dataclass
class Installation:
    """Stores, template and settings of its own in a cloud that several tests share."""

    cloud: LocalCloud
    clients: Clients
    settings: Settings = field(init=False)
    ports: Ports = field(init=False)
    clock: Callable[[], int] = now_ms

    def __post_init__(self) -> None:
        name = f"lamp-{next(_numbers)}"
        provision = Provision(self.clients, Names(bucket=name, queue=name, table=name), Settings())
        for step in provision.steps():
            step.do()
        stores = dict(line.split("=", 1) for line in provision.settings_lines())
        self.cloud.account.put_template(name, stores)
        self.settings = Settings.read(stores | CLOUD_TERMS | {"FLEET": f"ec2:{name}", "PROJECT": name})
        self.ports = open_ports(self.settings, clock=now_ms, clients=self.clients)
        self.tick()

    def tick(self) -> None:
        """What a tick leaves behind, without its machines."""
        tick_once(self.ports, Launcher(self.ports, self.settings, Cloud(clock=now_ms)))
        Attendance(table=self.ports.table, clock=now_ms).show()

    @property
    def name(self) -> str:
        return self.settings.project

    def client(self, service: str) -> Any:
        return self.clients.client(service)

    def world(self) -> World:
        """As `firstlight doctor` opens it, but for the clock, the rest before the second look, and shared clients."""
        return open_world(self.settings, clock=self.clock, sleep=lambda _: None, clients=self.clients)

    def checked(self) -> Report:
        return run(self.world(), CHECKS)

    def retemplate(self, **changes: Any) -> None:
        """A new default version of the launch template; None takes a part away."""
        ec2 = self.client("ec2")
        asked = {"LaunchTemplateName": self.name, "Versions": ["$Default"]}
        known = ec2.describe_launch_template_versions(**asked)["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        data = {name: value for name, value in (known | changes).items() if value is not None}
        ec2.delete_launch_template(LaunchTemplateName=self.name)
        ec2.create_launch_template(LaunchTemplateName=self.name, LaunchTemplateData=data)

    def launch(self, *, slot: int = 0, epoch: int = 1, age_s: float = 0.0) -> str:
        """A machine that carries our tags; its id."""
        region, tags = self.cloud.region, {PROJECT_TAG: self.name, SLOT_TAG: str(slot), EPOCH_TAG: str(epoch)}
        wanted = {
            "ClientToken": f"{self.name}-{slot}-{epoch}",
            "TargetCapacitySpecification": {"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
            "LaunchTemplateConfigs": [
                {
                    "LaunchTemplateSpecification": {"LaunchTemplateName": self.name},
                    "Overrides": [{"InstanceType": "c7i.xlarge", "SubnetId": min(region.subnets)}],
                }
            ],
            "TagSpecifications": [
                {"ResourceType": "instance", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            ],
        }
        name = str(region.create_fleet(**wanted)["Instances"][0]["InstanceIds"][0])
        region.instances[name].launched_ms -= int(age_s * 1000)
        return name

    def keep(self, **facts: Any) -> Job:
        """An accepted job, with its photo, of which no message tells."""
        now = now_ms()
        job_id = f"00000000-0000-4000-8000-{next(_numbers):012}"
        times = {
            "created_ms": now,
            "phase_since_ms": now,
            "sent_ms": now,
            "deadline_ms": now + 3_600_000,
            "expires_ms": now + 7_200_000,
        }
        job = a_job(id=job_id, source_key=f"in/{job_id}", **times | facts)
        self.ports.blobs.put(job.source_key, io.BytesIO(b"a dark photo"))
        self.ports.ledger.insert(job)
        return job
