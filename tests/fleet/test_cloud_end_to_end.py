"""The cloud's way on this machine: boto3, S3, SQS, DynamoDB and EC2 on the stand-in, real workers, real photos."""

from __future__ import annotations

import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.stand_in.cloud import KEYS, LocalCloud, fair
from fleet.tick import tick_once
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.errors import StoreBusy
from jobs.intake import Order, accept
from jobs.job import Job
from jobs.ports import Ports, open_ports
from jobs.provision import Names, Provision
from jobs.settings import Settings
from photos.facts import PhotoFacts
from tests.fleet.processes import is_alive, until

BOUND_S = 120.0


@dataclass
class Service:
    cloud: LocalCloud
    ports: Ports
    launcher: Launcher

    def send(self) -> str:
        noise = np.random.default_rng(1).integers(0, 40, (1000, 1500, 3), np.uint8)
        photo = io.BytesIO()
        Image.fromarray(noise).save(photo, "JPEG", quality=90)
        known = {"format": "jpeg", "width": 1500, "height": 1000, "orientation": 1, "layout": "rgb", "depth": 8}
        order = Order(
            ratio=8.0,
            format="jpeg",
            photo=PhotoFacts(**known, grey=False, alpha=False).to_json(),
            size=photo.tell(),
            sha256=hashlib.sha256(photo.getvalue()).hexdigest(),
            visitor="test",
        )
        photo.seek(0)
        return accept(self.ports, order, photo).job.id

    def tick_until(self, happened: Callable[[], object]) -> None:
        def ticked() -> object:
            try:
                tick_once(self.ports, self.launcher)
            except StoreBusy:
                return False
            return happened()

        until(ticked, within_s=BOUND_S)

    def job(self, job_id: str) -> Job:
        job = self.ports.ledger.read(job_id)
        assert job is not None
        return job

    def busy_in(self, job_id: str, phase: str) -> None:
        self.tick_until(lambda: (self.job(job_id).state, self.job(job_id).phase) == ("running", phase))


@pytest.fixture(params=["torch", "openvino"])
def service(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    cloud = LocalCloud(environ=os.environ, logs=tmp_path / "machines", weather=fair(boot_s=0.5))
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    name = f"lamp-{request.param}"  # moto keeps one account for the whole process
    provision = Provision(Clients(), Names(bucket=name, queue=name, table=name), Settings())
    for step in provision.steps():
        step.do()
    stores = dict(line.split("=", 1) for line in provision.settings_lines())
    environ = stores | {"FLEET": f"ec2:{name}", "HEARTBEAT_S": "0.5", "LEASE_S": "5", "IDLE_S": "4"}
    cloud.account.put_template(name, environ | {"ENGINE": request.param})
    settings = Settings.read(environ)
    ports = open_ports(settings, clock=now_ms)
    yield Service(cloud, ports, Launcher(ports, settings, open_fleet(settings, ports)))
    cloud.close()
    ports.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_photo_survives_its_machine_and_the_last_machine_ends_by_itself(service: Service) -> None:
    """Announced interruption, then one without notice, then a killed worker, then peace."""
    cloud = service.cloud
    first = service.send()
    service.busy_in(first, "enhancing")
    (machine,) = cloud.region.live()
    pid = cloud.hosts.worker(machine.id)
    assert pid is not None
    cloud.region.announce(machine.id, in_ms=20_000)
    noticed_ms = now_ms()
    until(lambda: service.job(first).state != "running" or not is_alive(pid), within_s=20)
    assert now_ms() - noticed_ms <= 6000
    job = service.job(first)
    assert job.state == "done" or (job.state, job.attempts) == ("queued", 0), said(cloud)
    service.tick_until(lambda: service.job(first).state == "done")

    second = service.send()
    service.tick_until(lambda: service.job(second).state == "running")
    (machine,) = cloud.region.live()
    cloud.region.end(machine.id, why="Server.SpotInstanceTermination")
    third = service.send()
    service.tick_until(lambda: service.job(second).state == "done")
    worker = cloud.hosts.worker(cloud.region.live()[0].id) if cloud.region.live() else None
    if worker is not None:
        os.killpg(worker, signal.SIGKILL)
    service.tick_until(lambda: service.job(third).state == "done")
    assert service.job(second).attempts <= 2
    service.tick_until(lambda: not cloud.region.live())
    assert cloud.region.most_live == 1
    result = service.job(third).result
    assert result is not None
    with service.ports.blobs.open(result.key) as picture:
        assert Image.open(io.BytesIO(picture.read())).size == (1500, 1000)


def said(cloud: LocalCloud) -> str:
    return "\n".join(log.read_text() for log in sorted(cloud.hosts._logs.iterdir()))
