"""What this service did, counted for Prometheus; and the table's own figures at the moment somebody asks.

With PROMETHEUS_MULTIPROC_DIR (api.server says it to uWSGI) the counters add up over all processes.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from jobs.heartbeat import WorkerState, heartbeats
from jobs.ports import Ports

disable_created_metrics()  # type: ignore[no-untyped-call] # they add up to nonsense over several processes


class Meters:
    """The counters. `folder` is where the processes of one service keep theirs, None for a process alone."""

    def __init__(self, *, folder: str | None = None) -> None:
        self._folder = folder
        self._own = CollectorRegistry()
        self.requests = Counter(
            "firstlight_requests", "Answers given", ["route", "method", "status"], registry=self._own
        )
        self.uploads = Counter(
            "firstlight_uploads",
            "Uploads by outcome: accepted, replayed, or a code of the error registry",
            ["outcome"],
            registry=self._own,
        )
        self.upload_bytes = Counter("firstlight_upload_bytes", "Bytes of accepted photos", registry=self._own)

    def text(self, ports: Ports, *, heartbeat_ms: int) -> bytes:
        """All figures in Prometheus' text format. Raises StoreBusy."""
        now = CollectorRegistry()
        now.register(_Figures(ports, heartbeat_ms=heartbeat_ms))
        counted = self._own
        if self._folder is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(now) + generate_latest(counted)


class _Figures(Collector):
    """What the stores say now."""

    def __init__(self, ports: Ports, *, heartbeat_ms: int) -> None:
        self._ports = ports
        self._heartbeat_ms = heartbeat_ms

    def collect(self) -> Iterator[Metric]:
        ledger, depth, now = self._ports.ledger, self._ports.queue.depth(), self._ports.clock()
        yield _gauge("firstlight_jobs", "Unfinished photos", "state", queued=ledger.waiting(), running=ledger.running())
        yield _gauge(
            "firstlight_queue_messages",
            "Messages in the queue",
            "kind",
            visible=depth.visible,
            in_flight=depth.in_flight,
        )
        alive = [
            each
            for each in heartbeats(self._ports.table, since_ms=now - 4 * self._heartbeat_ms)
            if each.is_fresh(now=now, heartbeat_ms=self._heartbeat_ms)
        ]
        states = Tally(each.state for each in alive)
        yield _gauge(
            "firstlight_workers",
            "Workers with a fresh heartbeat",
            "state",
            **{state: states[state] for state in get_args(WorkerState)},
        )
        machines = {each.slot for each in alive if each.slot >= 0 and each.state not in ("setup_failed", "defunct")}
        yield GaugeMetricFamily("firstlight_machines", "Launched machines that show signs of life", len(machines))


def _gauge(name: str, about: str, label: str, **values: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family
