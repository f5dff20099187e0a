"""The stores under test: every suite that asks for `ports` or one of them runs on the laptop's and on the cloud's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.blobs import Blobs
from jobs.clock import Clock
from jobs.ports import Ports, open_ports
from jobs.queue import Queue
from jobs.settings import Settings
from jobs.table import JobTable
from tests.jobs.clocks import FakeClock
from tests.jobs.clouds import Cloud, CloudClock, nobody

MINISTACK = pytest.param("ministack", marks=pytest.mark.slow)
EVERYWHERE = ("laptop", "moto", MINISTACK)  # what the stores promise
BEYOND = ("laptop", MINISTACK)  # what is built on those promises
PROMISES = ("test_blobs", "test_queue", "test_table")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "back_end" in metafunc.fixturenames:
        promises = metafunc.module.__name__.rpartition(".")[2] in PROMISES
        metafunc.parametrize("back_end", EVERYWHERE if promises else BEYOND)


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody(monkeypatch)


@pytest.fixture(scope="session")
def clouds() -> Iterator[Callable[[str], Cloud]]:
    """The fake of that name, started when it is first asked for."""
    running: dict[str, Cloud] = {}

    def cloud(kind: str) -> Cloud:
        if kind not in running:
            running[kind] = Cloud(kind)
        return running[kind]

    yield cloud
    for each in running.values():
        each.close()


@pytest.fixture
def cloud(back_end: str, clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch) -> Cloud | None:
    """The fake under the stores, its clock right and its network whole; None on the laptop."""
    if back_end == "laptop":
        return None
    cloud = clouds(back_end)
    cloud.order(shift=0, faults=[])
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    return cloud


@pytest.fixture
def moto(clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The fake whose faults a test can order."""
    moto = clouds("moto")
    moto.order(shift=0, faults=[])
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    yield moto
    moto.order(shift=0, faults=[])


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore tries again at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None, time=time.time))


@pytest.fixture
def settings(cloud: Cloud | None, tmp_path: Path) -> Settings:
    if cloud is not None:
        return cloud.settings()
    return Settings(
        blobs=f"file:{tmp_path}/blobs", queue=f"sqlite:{tmp_path}/jobs.db", table=f"sqlite:{tmp_path}/jobs.db"
    )


@pytest.fixture
def clock(cloud: Cloud | None) -> FakeClock:
    return CloudClock(cloud) if cloud is not None else FakeClock()


@pytest.fixture
def opened(settings: Settings, clock: FakeClock, cloud: Cloud | None) -> Iterator[Callable[..., Ports]]:
    """Opens the same stores anew each time, as another process would; `clock` may be another's."""
    ports: list[Ports] = []

    def open_again(*, clock: Clock = clock) -> Ports:
        ports.append(open_ports(settings, clock=clock, clients=cloud.clients if cloud else None))
        return ports[-1]

    yield open_again
    for each in ports:
        each.close()


@pytest.fixture
def ports(opened: Callable[..., Ports]) -> Ports:
    return opened()


@pytest.fixture
def blobs(ports: Ports) -> Blobs:
    return ports.blobs


@pytest.fixture
def queue(ports: Ports) -> Queue:
    return ports.queue


@pytest.fixture
def table(ports: Ports) -> JobTable:
    return ports.table


@pytest.fixture
def process(settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another process over the same stores: `ports` are open there, under the real clock."""
    started: list[subprocess.Popen[str]] = []
    opening = (
        "import os, sys\n"
        "from jobs.clock import now_ms\nfrom jobs.ports import open_ports\nfrom jobs.settings import Settings\n"
        "ports = open_ports(Settings.read(os.environ), clock=now_ms)\n"
    )

    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", opening + script, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, **settings.environ()},
                text=True,
            )
        )
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()
