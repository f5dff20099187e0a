"""What a check-up may look at: the settings, the stores if there are any yet, and AWS where the settings name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleet.checkup.questions import Questions
from jobs.clients import Clients
from jobs.clock import Clock
from jobs.ports import Ports, open_ports
from jobs.queue import region_in
from jobs.settings import Settings

_CLOUD = ("s3:", "https:", "http:", "dynamodb:", "ec2:")
LOCK_S = 5.0  # for a lock of SQLite: longer than any of ours is held while all is well


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`ports` is None while nothing has been kept on a laptop yet; `questions` where nothing of AWS is named."""

    settings: Settings
    clock: Clock
    sleep: Callable[[float], None]
    ports: Ports | None
    questions: Questions | None

    @property
    def asks(self) -> Questions:
        """For checks that apply only where AWS is named."""
        assert self.questions is not None
        return self.questions

    @property
    def stores(self) -> Ports:
        """For checks that apply only where something has been kept."""
        assert self.ports is not None
        return self.ports


def is_aws(url: str) -> bool:
    return url.startswith(_CLOUD)


def names_aws(settings: Settings) -> bool:
    return any(map(is_aws, (settings.blobs, settings.queue, settings.table, settings.fleet)))


def has_kept(settings: Settings) -> bool:
    """Whether the stores may be opened without making them: a laptop's first run has none."""
    files = (url.partition(":")[2] for url in (settings.table, settings.queue) if url.startswith("sqlite:"))
    return all(Path(file).exists() for file in files)


def open_world(
    settings: Settings, *, clock: Clock, sleep: Callable[[float], None], clients: Clients | None = None
) -> World:
    """Opens what there is, and makes nothing. A damaged store raises sqlite3.Error at its first use."""
    clients = clients or Clients(region=region_in(settings.queue))
    return World(
        settings=settings,
        clock=clock,
        sleep=sleep,
        ports=open_ports(settings, clock=clock, wait_s=LOCK_S, clients=clients) if has_kept(settings) else None,
        questions=Questions(clients, clock=clock) if names_aws(settings) else None,
    )
