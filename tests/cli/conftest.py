"""No command of a test meets somebody's real account; a stand-in for AWS where a test asks for one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fleet.stand_in.cloud import LocalCloud
from jobs.clients import Clients
from tests.cli.clouds import Installation
from tests.jobs.clouds import nobody


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalCloud, Clients]]:
    """A stand-in whose machines run nothing; its clients."""
    with pytest.MonkeyPatch.context() as patch:
        nobody(patch)
        cloud = LocalCloud(environ=os.environ, logs=tmp_path_factory.mktemp("logs"))
        cloud.region.started = lambda _: None
        yield cloud, Clients()
        cloud.close()


@pytest.fixture
def lamp(aws: tuple[LocalCloud, Clients], monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """A healthy installation of its own."""
    cloud, clients = aws
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    installation = Installation(cloud=cloud, clients=clients)
    yield installation
    cloud.region.weather.quotas.clear()
    cloud.region.weather.next.clear()
    for machine in cloud.region.live():
        cloud.region.end(machine.id, why="Client.UserInitiatedShutdown")
    installation.ports.close()
