"""The stores that settings name, opened together in the process that uses them."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.blobs import Blobs, FolderBlobs
from jobs.clock import Clock
from jobs.ledger import Ledger
from jobs.queue import Queue, SqliteQueue
from jobs.settings import Settings
from jobs.sqlite import WAIT_S
from jobs.table import JobTable, SqliteTable
from jobs.transitions import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Blobs, queue and table, the ledger over the table, and the clock they share. Not to be carried over a fork."""

    blobs: Blobs
    queue: Queue
    table: JobTable
    ledger: Ledger
    clock: Clock
    job_deadline_ms: int

    def close(self) -> None:
        self.queue.close()
        self.table.close()


def open_ports(settings: Settings, *, clock: Clock, wait_s: float = WAIT_S) -> Ports:
    """Open what BLOBS, QUEUE and TABLE name; the settings have checked the schemes."""
    table: JobTable = SqliteTable(_rest(settings.table), wait_s=wait_s)
    terms = Terms(lease_ms=int(settings.lease_s * 1000), keep_ms=int(settings.keep_s * 1000))
    return Ports(
        blobs=FolderBlobs(_rest(settings.blobs)),
        queue=SqliteQueue(_rest(settings.queue), clock=clock, wait_s=wait_s),
        table=table,
        ledger=Ledger(table, terms=terms, clock=clock),
        clock=clock,
        job_deadline_ms=int(settings.job_deadline_s * 1000),
    )


def _rest(url: str) -> str:
    return url.split(":", 1)[1]
