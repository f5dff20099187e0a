"""Whether anybody is there: pages tell when their visitor leaves, so that no machine idles for nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jobs.patience import Patience, learns, read_patience, write_patience
from jobs.ports import Ports
from jobs.settings import Settings

TRIES = 4  # against the tick, another page, another process; each loses at most a leave


def left(patience: Patience, *, photo_ms: int, now: int) -> Patience:
    """After the visitor of the photo accepted at `photo_ms` has left; the same when a newer photo is known; pure."""
    if photo_ms < max(patience.accepted_ms, patience.deserted_ms):
        return patience
    if patience.is_deserted and photo_ms == patience.deserted_ms:
        return patience
    return replace(patience, left_ms=max(now, patience.came_ms + 1), deserted_ms=photo_ms)


def came(patience: Patience, *, now: int) -> Patience:
    """After anybody has come: no leave counts any more, and machines stay as long as they would have; pure."""
    return replace(patience, came_ms=max(now, patience.left_ms)) if patience.is_deserted else patience


class Presence:
    """Where the time that machines stay idle is learned; elsewhere it hears nothing and asks nothing of the store."""

    def __init__(self, ports: Ports, settings: Settings) -> None:
        self._ports = ports
        self._learns = learns(settings)

    def leave(self, job_id: str) -> None:
        """The visitor of this photo has left. It counts if his is the newest and nobody waits for it any more.

        An id that is no photo's is heard in silence, like one whose photo is not the newest. Raises StoreBusy.
        """
        if not self._learns:
            return
        job = self._ports.ledger.read(job_id)
        if job is None or job.deleted or not job.finished:
            return
        self._change(lambda patience: left(patience, photo_ms=job.created_ms, now=self._ports.clock()))

    def come(self) -> None:
        """Somebody looks, picks or sends. Raises StoreBusy."""
        if self._learns:
            self._change(lambda patience: came(patience, now=self._ports.clock()))

    def _change(self, news: Callable[[Patience], Patience]) -> None:
        for _ in range(TRIES):
            before = read_patience(self._ports.table)
            after = news(before)
            if after is before or write_patience(self._ports.table, after):
                return
