"""Real stores whose process dies at its n-th write, just before it or just after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from jobs.ledger import Ledger
from jobs.ports import Ports


class Crash(BaseException):
    """The process is gone: nothing of it may clean up, so nothing but the test catches this."""


class Fuse:
    """Counts writes; at the `at`-th (from 0) the process dies before or after it."""

    def __init__(self, at: int, when: Literal["before", "after"]) -> None:
        self.at = at
        self.when = when
        self.writes = 0
        self.blown = False

    def around(self, write: Callable[[], Any]) -> Any:
        if self.blown:
            raise Crash
        mine = self.writes == self.at
        self.writes += 1
        if mine and self.when == "before":
            self.blown = True
            raise Crash
        answer = write()
        if mine:
            self.blown = True
            raise Crash
        return answer


class Fused:
    """A store of which the named methods are writes."""

    def __init__(self, store: object, fuse: Fuse, *writes: str) -> None:
        self._store = store
        self._fuse = fuse
        self._writes = writes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in self._writes:
            return method
        return lambda *args, **options: self._fuse.around(lambda: method(*args, **options))


def fused(ports: Ports, fuse: Fuse) -> Ports:
    table = Fused(ports.table, fuse, "insert", "replace", "delete", "add")
    return replace(
        ports,
        blobs=Fused(ports.blobs, fuse, "put", "copy", "delete"),
        queue=Fused(ports.queue, fuse, "send", "delete"),
        table=table,
        ledger=Ledger(table, terms=ports.ledger.terms, clock=ports.clock),  # type: ignore[arg-type]
    )
