"""The stores under test. A cloud's adapters join every suite here by one more parameter of `settings`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.blobs import Blobs
from jobs.clock import Clock
from jobs.ports import Ports, open_ports
from jobs.queue import Queue
from jobs.settings import Settings
from jobs.table import JobTable
from tests.jobs.clocks import FakeClock


@pytest.fixture(params=["laptop"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    stores = {
        "laptop": {
            "blobs": f"file:{tmp_path}/blobs",
            "queue": f"sqlite:{tmp_path}/jobs.db",
            "table": f"sqlite:{tmp_path}/jobs.db",
        },
    }
    return Settings(**stores[request.param])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def opened(settings: Settings, clock: FakeClock) -> Iterator[Callable[..., Ports]]:
    """Opens the same stores anew each time, as another process would; `clock` may be another's."""
    ports: list[Ports] = []

    def open_again(*, clock: Clock = clock) -> Ports:
        ports.append(open_ports(settings, clock=clock))
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
