"""Stores and local fleets in a folder of the test's own; no machine outlives its test."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.machines import LocalFleet
from jobs.clock import now_ms
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from tests.fleet.clocks import FakeClock
from tests.fleet.clouds import Cloud
from tests.fleet.processes import until
from tests.fleet.regions import World

LINK_LOCAL = "169.254."


@pytest.fixture(autouse=True)
def _no_metadata_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks the real instance metadata, nor signs with real credentials; a child process inherits that."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        assert not str(address).removeprefix("('").startswith(LINK_LOCAL), "a test reached for the real metadata"
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def hushed() -> Iterator[None]:
    """A launcher without capacity says so at every try; the simulation's command hushes it for its process's life."""
    loggers = [logging.getLogger(name) for name in ("fleet", "jobs")]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        blobs=f"file:{tmp_path}/blobs",
        queue=f"sqlite:{tmp_path}/jobs.db",
        table=f"sqlite:{tmp_path}/jobs.db",
        fleet=f"process:{tmp_path}/machines",
        heartbeat_s=0.1,
        lease_s=1.0,
        tick_s=0.05,
    )


@pytest.fixture
def ports(settings: Settings) -> Iterator[Ports]:
    ports = open_ports(settings, clock=now_ms)
    yield ports
    ports.close()


@pytest.fixture
def fleets(settings: Settings) -> Iterator[Callable[..., LocalFleet]]:
    """Makes local fleets of one folder; afterwards every machine is gone."""
    made: list[LocalFleet] = []

    def make(command: list[str], **options: float) -> LocalFleet:
        folder = settings.fleet.removeprefix("process:")
        made.append(LocalFleet(folder, clock=now_ms, settings=settings.environ(), command=command, **options))
        return made[-1]

    yield make
    for fleet in made:
        until(lambda fleet=fleet: _ended(fleet))


def _ended(fleet: LocalFleet) -> bool:
    for machine in fleet.machines():
        fleet.stop(machine, kill=True)
    return not fleet.machines() and not fleet._children


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(settings: Settings, clock: FakeClock):
    """Stores under a fake clock, and a cloud."""
    ports = open_ports(settings, clock=clock)
    yield ports, Cloud(clock=clock)
    ports.close()


@pytest.fixture
def ec2(settings: Settings, clock: FakeClock) -> Iterator[World]:
    """A region of EC2 in fair weather, under a fake clock."""
    ports = open_ports(settings, clock=clock)
    yield World(ports=ports, clock=clock)
    ports.close()
