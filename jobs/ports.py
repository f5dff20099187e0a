"""The stores that settings name, opened together in the process that uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from jobs.blobs import Blobs, FolderBlobs, S3Blobs
from jobs.clients import Clients, warmed
from jobs.clock import Clock
from jobs.ledger import Ledger
from jobs.queue import Queue, SqliteQueue, SqsQueue, region_in
from jobs.settings import Settings
from jobs.sqlite import WAIT_S
from jobs.table import DynamoTable, JobTable, SqliteTable
from jobs.transitions import Terms


def _rest() -> None:
    """A laptop's stores need no warming."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Blobs, queue and table, the ledger over the table, and the clock they share. Not to be carried over a fork.

    `warm` loads in a thread what speaks to AWS, where anything does; else the first use waits for it.
    """

    blobs: Blobs
    queue: Queue
    table: JobTable
    ledger: Ledger
    clock: Clock
    job_deadline_ms: int
    warm: Callable[[], object] = _rest

    def close(self) -> None:
        self.queue.close()
        self.table.close()


def open_ports(settings: Settings, *, clock: Clock, wait_s: float = WAIT_S, clients: Clients | None = None) -> Ports:
    """Open what BLOBS, QUEUE and TABLE name; the settings have checked the schemes. AWS is not asked yet.

    `wait_s` is for a lock of SQLite, `clients` are the caller's where it wants to share or to watch them.
    """
    clients = clients or Clients(region=region_in(settings.queue))
    table = _table(settings.table, clients, wait_s=wait_s)
    blobs = _blobs(settings.blobs, clients)
    queue = _queue(settings.queue, clients, clock=clock, wait_s=wait_s)
    cold = [each.client for each in (queue, table, blobs) if isinstance(each, S3Blobs | SqsQueue | DynamoTable)]
    terms = Terms(lease_ms=int(settings.lease_s * 1000), keep_ms=int(settings.keep_s * 1000))
    return Ports(
        blobs=blobs,
        queue=queue,
        table=table,
        ledger=Ledger(table, terms=terms, clock=clock),
        clock=clock,
        job_deadline_ms=int(settings.job_deadline_s * 1000),
        warm=partial(warmed, cold) if cold else _rest,
    )


def _blobs(url: str, clients: Clients) -> Blobs:
    scheme, rest = url.split(":", 1)
    if scheme == "s3":
        return S3Blobs(urlsplit(url).netloc, urlsplit(url).path, clients)
    return FolderBlobs(rest)


def _queue(url: str, clients: Clients, *, clock: Clock, wait_s: float) -> Queue:
    scheme, rest = url.split(":", 1)
    if scheme in ("https", "http"):
        return SqsQueue(url, clients, clock=clock)
    return SqliteQueue(rest, clock=clock, wait_s=wait_s)


def _table(url: str, clients: Clients, *, wait_s: float) -> JobTable:
    scheme, rest = url.split(":", 1)
    if scheme == "dynamodb":
        return DynamoTable(urlsplit(url).netloc, clients)
    return SqliteTable(rest, wait_s=wait_s)
