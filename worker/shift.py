"""One worker put together, from its settings and its processes, and run to its end."""

from __future__ import annotations

import gc
import signal
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import Settings
from jobs.usual import BRIDGE
from photos.codec import Codec
from worker.belt import HELD, Belt
from worker.desk import Desk
from worker.engine import EngineProcess
from worker.milestones import Milestones, host_milestones
from worker.notice import listen, metadata_of
from worker.pulse import Identity
from worker.stages import Stages
from worker.supervisor import Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Who works: `slot` −1 when no launcher started us; `up_ms` is when the process was up, wall clock."""

    slot: int
    epoch: int
    bridge: bool
    up_ms: int

    @property
    def identity(self) -> Identity:
        launched = self.slot >= 0 and not self.bridge
        unlaunched = f"{BRIDGE}-" if self.bridge else ""
        return Identity(
            worker=f"slot{self.slot}-{self.epoch}" if launched else f"{unlaunched}{uuid.uuid4().hex}",
            slot=self.slot if launched else -1,
            epoch=self.epoch if launched else 0,
            bridge=self.bridge,
        )

    def work(self, settings: Settings, engine: EngineProcess, codec: Codec, *, environ: Mapping[str, str]) -> int:
        """Until the worker is idle, told to stop, or broken; the exit status."""
        ports = open_ports(settings, clock=now_ms)
        ports.warm()
        identity = self.identity
        host = host_milestones(
            unit_started_ms=environ.get("UNIT_STARTED_MS", ""),
            fleet=settings.fleet,
            launched=identity.slot >= 0,
            now=self.up_ms,
        )
        milestones = Milestones(ports, identity, host={**host, "supervisor": self.up_ms})
        desk = Desk(ports, worker=identity.worker)
        stages = Stages(desk, ports.blobs, codec, engine, codec_s=settings.codec_s)
        belt = Belt(settings, ports, desk, stages, engine, codec, milestones, held=1 if self.bridge else HELD)
        supervisor = Supervisor(settings, identity, ports, desk, belt, milestones)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        if metadata := metadata_of(environ, fleet=settings.fleet):
            listen(metadata, supervisor.heed, threading.Event())
        gc.freeze()
        gc.enable()
        status = supervisor.run()
        milestones.tell(last=True)
        return status
