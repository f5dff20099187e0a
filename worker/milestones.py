"""The milestones of this worker's own start, kept as they are reached and written when they tell something new."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from jobs import usual
from jobs.errors import StoreBusy
from jobs.job import Phase
from jobs.milestones import ColdStart, Milestone, write_start
from jobs.ports import Ports
from worker.pulse import Identity

log = logging.getLogger(__name__)

TELLING: tuple[Milestone, ...] = ("engine_ready", "first_result")  # each costs a write
SKEW_MS = 60_000  # by which two machines' clocks may differ; a kernel older than that booted for somebody else
UPTIME = Path("/proc/uptime")


class Milestones:
    """Thread-safe. `reached` only remembers; `tell` writes, from one thread, and rarely."""

    def __init__(self, ports: Ports, identity: Identity, *, host: Mapping[Milestone, int]) -> None:
        self._ports = ports
        self._lock = threading.Lock()
        self._at_ms: dict[Milestone, int] = dict(host)
        self._untold: set[Milestone] = set()  # telling ones that no write was tried for
        self._launch: dict[str, int] = {}
        self._start = ColdStart(worker=identity.worker, slot=identity.slot, epoch=identity.epoch)  # as last written
        self._bridge = identity.bridge
        self.flavour = ""  # engine and network, once the engine is ready

    @property
    def pending(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._untold)

    def reached(self, milestone: Milestone, *, flavour: str = "") -> None:
        """Remember when, the first time. `flavour` comes along once it is known."""
        with self._lock:
            if milestone in self._at_ms:
                return
            self._at_ms[milestone] = self._ports.clock()
            if flavour:
                self.flavour = usual.BRIDGE if self._bridge else flavour
            if milestone in TELLING:
                self._untold.add(milestone)

    def tell(self, *, last: bool = False) -> None:
        """Write the start when a telling milestone is new; the `last` time when anything is.

        A store that stays busy costs a write, which the next one makes up for.
        """
        with self._lock:
            untold, self._untold = self._untold, set()
            known = dict(self._at_ms)
        if not (known.keys() - self._start.at_ms.keys() if last else untold) or "supervisor" not in known:
            return
        try:
            if "answered_ms" not in self._launch:
                self._launch = _launch(self._ports, self._start)
            at_ms = _plausible(known, self._launch)
            self._start = write_start(self._ports.table, replace(self._start, flavour=self.flavour, at_ms=at_ms))
            if "engine_ready" in untold:
                usual.record(self._ports.table, self._lengths(known), flavour=self.flavour)
        except StoreBusy:
            log.exception("the milestones of this start are not recorded")

    def _lengths(self, known: Mapping[Milestone, int]) -> dict[Phase, float]:
        """Seconds of the phases that those who wait for the next machine see."""
        lengths: dict[Phase, float] = {"loading_model": (known["engine_ready"] - known["supervisor"]) / 1000}
        if "launched_ms" in self._launch:
            lengths["starting_machine"] = max(0.0, (known["supervisor"] - self._launch["launched_ms"]) / 1000)
        return lengths


def host_milestones(*, unit_started_ms: str, fleet: str, launched: bool, now: int) -> dict[Milestone, int]:
    """When the machine's kernel and its unit for us started, on a machine of a cloud; elsewhere they are not ours.

    `unit_started_ms` is what the host's start script says, empty where nobody did.
    """
    if not launched or not fleet.startswith("ec2:"):
        return {}
    found: dict[Milestone, int] = {}
    try:
        found["kernel"] = now - int(float(UPTIME.read_text().split()[0]) * 1000)
    except (OSError, ValueError, IndexError):
        log.warning("%s cannot be read: the kernel's start stays unknown", UPTIME)
    if unit_started_ms.isdecimal():
        found["unit"] = int(unit_started_ms)
    return found


def _launch(ports: Ports, start: ColdStart) -> dict[str, int]:
    """What the slot's row says of this launch; empty when nobody launched us, or the slot has gone on. StoreBusy."""
    row = ports.table.read(f"slot/{start.slot}") if start.slot >= 0 else None
    doc = json.loads(row.doc) if row else {}
    if doc.get("epoch", start.epoch) != start.epoch:
        return {}
    return {name: doc[name] for name in ("asked_ms", "launched_ms", "answered_ms") if doc.get(name)}


def _plausible(at_ms: Mapping[Milestone, int], launch: Mapping[str, int]) -> dict[Milestone, int]:
    """With what the launcher wrote, and without a host's times from before this launch (a stand-in's, say)."""
    asked_ms = launch.get("asked_ms", launch.get("launched_ms", 0))
    launch_ms: dict[Milestone, int] = {"asked": asked_ms, "launched": launch.get("answered_ms", 0)}
    here = {each: ms for each, ms in at_ms.items() if each not in ("kernel", "unit") or ms >= asked_ms - SKEW_MS}
    return {each: ms for each, ms in launch_ms.items() if ms} | here
