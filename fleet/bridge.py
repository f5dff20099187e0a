"""The bridge: one polite worker beside the API that drains the queue while no machine is ready.

    somebody wishes ─▶ no machine ready, room in memory ─▶ it starts ─▶ drains ─▶ a machine is ready, or no room ─▶ ends
                                                                         └─▶ idle for a minute ─▶ ends

It is no machine: nobody counts it when machines are launched, and nobody is told that one is ready because of it. An
API process wishes by touching a file, when somebody opens the page or sends a photo; the tick wishes while photos wait.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Literal

from fleet.machines import Fleet, LaunchRefused, LocalFleet, NoCapacity, SlotTaken
from fleet.memory import free_bytes
from jobs.errors import FirstlightError
from jobs.heartbeat import FORGET_AFTER_MS, Heartbeat, heartbeats
from jobs.ports import Ports
from jobs.settings import Settings

log = logging.getLogger(__name__)

NEEDED_BYTES = 800_000_000  # free before it starts
SPARE_BYTES = 150_000_000  # free while it runs; below, the API needs it more
WISH_MS = 30_000  # for how long a wish holds while there is no room
LOOK_MS = 1000  # between two looks at the machines, while there is a wish or a bridge
GLANCE_S = 0.1  # between two glances at the file of wishes
IDLE_S = 60.0
FAILED_PAUSE_MS = 10 * 60_000  # after one that could not work, took too much memory, or that something killed
SLOT = 0

Move = Literal["start", "stop", "wait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the bridge goes by. `free` is None where memory cannot be measured: then nothing is risked."""

    up: bool
    wished: bool
    machine_ready: bool
    free: int | None
    paused: bool = False


def move(scene: Scene) -> Move:
    """What to do now."""
    if scene.up:
        return "stop" if scene.machine_ready or scene.free is None or scene.free < SPARE_BYTES else "wait"
    if not scene.wished or scene.machine_ready or scene.paused or scene.free is None or scene.free < NEEDED_BYTES:
        return "wait"
    return "start"


class Wish:
    """A file whose time says when somebody last wished for the bridge."""

    def __init__(self, settings: Settings) -> None:
        self._file = bridge_folder(settings) / "wish"

    def make(self) -> None:
        """Cheap and silent: who sends a photo does not fail because of it."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch()
        except OSError as error:
            log.warning("no bridge can be wished for, because %s cannot be written: %s", self._file, error)

    def made_ns(self) -> int:
        """When; 0 for never."""
        try:
            return self._file.stat().st_mtime_ns
        except OSError:
            return 0


class Bridge:
    """Tended by one thread of the tick. A lock in its folder keeps it single on this computer, whoever tends it."""

    def __init__(
        self,
        ports: Ports,
        settings: Settings,
        fleet: Fleet | None = None,
        *,
        free: Callable[[], int | None] = free_bytes,
    ) -> None:
        self._ports = ports
        self._fleet = fleet or bridge_fleet(settings, ports)
        self._wish = Wish(settings)
        self._free = free
        self._heartbeat_ms = int(settings.heartbeat_s * 1000)
        self._seen_ns = self._wish.made_ns()
        self._wished_ms = -WISH_MS
        self._looked_ms = -LOOK_MS
        self._not_before_ms = 0
        self._launched_ms = 0
        self._tending = True  # there may be one: an earlier tick may have left it
        self._short = False  # of memory, and said so

    def tend(self) -> Move:
        """Glance, and look and act when there is reason to. Raises StoreBusy."""
        now = self._ports.clock()
        made_ns = self._wish.made_ns()
        if made_ns != self._seen_ns:
            self._seen_ns, self._wished_ms = made_ns, now
        wished = 0 <= now - self._wished_ms < WISH_MS
        if not (wished or self._tending) or 0 <= now - self._looked_ms < LOOK_MS:
            return "wait"
        self._looked_ms = now
        up = bool(self._fleet.machines())
        signs = heartbeats(self._ports.table, since_ms=now - FORGET_AFTER_MS)
        if self._tending and not up:
            self._ended(signs, now)
        scene = Scene(
            up=up,
            wished=wished,
            machine_ready=any(
                each.works and each.is_fresh(now=now, heartbeat_ms=self._heartbeat_ms)
                for each in signs
                if not each.bridge
            ),
            free=self._free(),
            paused=0 < self._not_before_ms - now <= FAILED_PAUSE_MS,
        )
        return self._do(move(scene), scene, now)

    def run(self, stop: Event) -> None:
        """Tend until told to stop, then end it. A store that fails is logged and met again at the next look."""
        try:
            while not stop.wait(GLANCE_S):
                try:
                    self.tend()
                except (FirstlightError, OSError, sqlite3.Error):
                    log.exception("the bridge could not be tended")
        finally:
            self._fleet.stop_all()

    def _do(self, chosen: Move, scene: Scene, now: int) -> Move:
        if scene.machine_ready:
            self._wished_ms = -WISH_MS
        if chosen == "start":
            self._short = False
            self._start(now)
        elif chosen == "stop":
            log.info("the bridge ends: %s", "a machine is ready" if scene.machine_ready else "memory is short")
            if not scene.machine_ready:  # what it lacks now it would lack again, over the same photo
                self._not_before_ms = now + FAILED_PAUSE_MS
            for machine in self._fleet.machines():
                self._fleet.stop(machine, kill=False)
        elif scene.wished and not scene.up and (scene.free is None or scene.free < NEEDED_BYTES) and not self._short:
            self._short = True
            have = "nobody says how much is free" if scene.free is None else f"{scene.free / 1e6:.0f} MB are free"
            log.warning("no bridge: it needs %d MB of memory, and %s", NEEDED_BYTES / 1e6, have)
        return chosen

    def _start(self, now: int) -> None:
        try:
            self._fleet.launch(SLOT, now)
        except SlotTaken:
            log.info("another tick on this computer has a bridge")
        except (NoCapacity, LaunchRefused) as error:
            log.warning("no bridge: %s", error)
            self._not_before_ms = now + FAILED_PAUSE_MS
        else:
            log.info("the bridge starts: no machine is ready")
            self._launched_ms = now
        self._tending = True

    def _ended(self, signs: list[Heartbeat], now: int) -> None:
        """One that left without a word, or could not work, is not tried again at once."""
        mine = [each for each in signs if each.bridge and each.started_ms >= self._launched_ms]
        last = max(mine, key=lambda each: each.beat_ms, default=None)
        if self._launched_ms and (last is None or last.state != "draining"):
            why = (last.detail if last else "") or "it ended without a word"
            log.error("the bridge failed (%s); the next try is in %d minutes", why, FAILED_PAUSE_MS // 60_000)
            self._not_before_ms = now + FAILED_PAUSE_MS
        self._launched_ms, self._tending = 0, False


def bridge_folder(settings: Settings) -> Path:
    return Path(settings.spool).absolute().parent / "bridge"


def bridge_settings(settings: Settings) -> Settings:
    """What its worker goes by: the small engine on all cores but one, and a life that ends by itself.

    It hears no notice meant for a machine and shows no pulse of one, so its fleet is not EC2's.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return replace(
        settings,
        bridge=0,
        engine="openvino",
        engine_threads=settings.engine_threads or max(1, cores - 1),
        fleet=f"process:{bridge_folder(settings)}",
        idle_s=IDLE_S,
        idle_least_s=0.0,
        idle_most_s=0.0,
        pulse_file="",
    )


def bridge_fleet(settings: Settings, ports: Ports) -> LocalFleet:
    """The one place where a bridge may be, as a fleet of one local process with a keeper."""
    return LocalFleet(
        bridge_folder(settings),
        clock=ports.clock,
        settings=bridge_settings(settings).environ(),
        command=(f"{sys.prefix}/bin/python", "-m", "worker", "--bridge"),
        hard_age_s=settings.hard_age_s,
        grace_s=5.0,
    )
