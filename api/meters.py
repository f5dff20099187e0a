"""What this service did, counted for Prometheus; and the stores' own figures, as of a few seconds ago.

With PROMETHEUS_MULTIPROC_DIR (api.server says it to uWSGI) the counters add up over all processes.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Iterator
from statistics import quantiles
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from jobs.heartbeat import WorkerState, heartbeats
from jobs.milestones import MOST, ColdStart, cold_starts
from jobs.ports import Ports

FRESH_MS = 5_000  # DynamoDB bills a count by the rows it passes, 94 read units for 10,000; and anybody may ask
STARTS_SINCE_MS = 24 * 3600 * 1000
STARTS_FRESH_MS = 60_000  # each start is a row, and a scrape every few seconds would read them all again
STARTS_OPEN_MS = 15 * 60_000  # a start's row may still gain milestones
disable_created_metrics()  # type: ignore[no-untyped-call] # they add up to nonsense over several processes


class Meters:
    """The counters. `folder` is where the processes of one service keep theirs, None for a process alone."""

    def __init__(self, *, folder: str | None = None) -> None:
        self._folder = folder
        self._starts: dict[str, ColdStart] = {}
        self._starts_read_ms: int | None = None
        self._told = b""
        self._told_ms = 0
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
        """All figures in Prometheus' text format; those of the stores may be FRESH_MS old. Raises StoreBusy."""
        counted = self._own
        if self._folder is not None:
            counted = CollectorRegistry()
            MultiProcessCollector(counted, path=self._folder)  # type: ignore[no-untyped-call]
        return self._stores(ports, heartbeat_ms=heartbeat_ms) + generate_latest(counted)

    def _stores(self, ports: Ports, *, heartbeat_ms: int) -> bytes:
        """What the stores say. Whoever asks while another is looking gets what was told last, if anything was."""
        now = ports.clock()
        if not self._told or not 0 <= now - self._told_ms < FRESH_MS:
            self._told_ms = now
            registry = CollectorRegistry()
            try:
                registry.register(_Figures(ports, heartbeat_ms=heartbeat_ms, starts=self._recent(ports)))
                self._told = generate_latest(registry)
            except BaseException:
                self._told = b""  # what is not known any more is not told any more
                raise
        return self._told

    def _recent(self, ports: Ports) -> list[ColdStart]:
        """The starts of the last day, at most a minute old; of those known, only the newest are read again."""
        now = ports.clock()
        if self._starts_read_ms is None or not 0 <= now - self._starts_read_ms < STARTS_FRESH_MS:
            day_ms = now - STARTS_SINCE_MS
            known = {worker: start for worker, start in self._starts.items() if start.up_ms >= day_ms}
            since_ms = max([day_ms, *(start.up_ms - STARTS_OPEN_MS for start in known.values())])
            while page := cold_starts(ports.table, since_ms=since_ms):
                known |= {start.worker: start for start in page}
                if len(page) < MOST or page[-1].up_ms == since_ms:
                    break
                since_ms = page[-1].up_ms
            self._starts, self._starts_read_ms = known, now
        return list(self._starts.values())


class _Figures(Collector):
    """What the stores say now."""

    def __init__(self, ports: Ports, *, heartbeat_ms: int, starts: list[ColdStart]) -> None:
        self._ports = ports
        self._heartbeat_ms = heartbeat_ms
        self._starts = starts

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
        fresh = [
            each
            for each in heartbeats(self._ports.table, since_ms=now - 4 * self._heartbeat_ms)
            if each.is_fresh(now=now, heartbeat_ms=self._heartbeat_ms)
        ]
        alive = [each for each in fresh if not each.bridge]
        states = Tally(each.state for each in alive)
        yield _gauge(
            "firstlight_workers",
            "Workers with a fresh heartbeat",
            "state",
            **{state: states[state] for state in get_args(WorkerState)},
        )
        machines = {each.slot for each in alive if each.slot >= 0 and each.state not in ("setup_failed", "defunct")}
        yield GaugeMetricFamily("firstlight_machines", "Launched machines that show signs of life", len(machines))
        bridges = len(fresh) - len(alive)
        yield GaugeMetricFamily("firstlight_bridges", "Workers beside the API that stand in for machines", bridges)
        yield milestones_reached(self._starts)


def milestones_reached(starts: Iterable[ColdStart]) -> Metric:
    """Seconds from each start's first milestone to the others, by flavour: median, 90th percentile, sum and count."""
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for start in starts:
        for reached, at_ms in start.at_ms.items():
            seconds[start.flavour, reached].append((at_ms - start.first_ms) / 1000)
    told = Metric("firstlight_cold_start_seconds", "From the wish for a machine to each milestone, last day", "summary")
    for (flavour, milestone), each in sorted(seconds.items()):
        labels = {"flavour": flavour, "milestone": milestone}
        tenths = quantiles([*each, *each] if len(each) == 1 else each, n=10, method="inclusive")
        for share, figure in (("0.5", tenths[4]), ("0.9", tenths[8])):
            told.add_sample("firstlight_cold_start_seconds", labels | {"quantile": share}, round(figure, 3))
        told.add_sample("firstlight_cold_start_seconds_sum", labels, round(sum(each), 3))
        told.add_sample("firstlight_cold_start_seconds_count", labels, len(each))
    return told


def _gauge(name: str, about: str, label: str, **values: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family
