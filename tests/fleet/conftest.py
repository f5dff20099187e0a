"""Small workers, one file for each way to behave, and a bounded wait for what they do."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleet.machines import LocalFleet
from jobs.clock import now_ms
from jobs.ports import Ports, open_ports
from jobs.settings import Settings

WORKERS = Path(__file__).parent / "workers"


def worker(name: str, *arguments: str) -> list[str]:
    return [f"{sys.prefix}/bin/python", str(WORKERS / f"{name}.py"), *arguments]


def until(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Wait for an event of another process, with a bound."""
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.parent.parent.joinpath("self").exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


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
