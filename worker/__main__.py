"""Starts a worker: `python -m worker [--slot N --epoch E]`, settings from the environment."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import uuid
from typing import cast

from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import BadSetting, Settings
from jobs.usual import BRIDGE
from photos.codec import Codec
from photos.sandbox import Mode
from worker.background import give_way
from worker.belt import HELD, Belt
from worker.desk import Desk
from worker.engine import EngineProcess
from worker.milestones import Milestones, host_milestones
from worker.notice import listen, metadata_of
from worker.pulse import Identity
from worker.stages import Stages
from worker.supervisor import Supervisor


def main() -> int:
    """Run one worker until it is idle, told to stop, or broken; see `worker.supervisor` for the exit statuses."""
    up_ms = now_ms()
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--slot", type=int, default=-1, help="the machine slot that a launcher gave")
    parser.add_argument("--epoch", type=int, default=0, help="the slot's epoch at the launch")
    parser.add_argument("--bridge", action="store_true", help="run beside the API, behind everybody else")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings.read(os.environ)  # noqa: TID251 — an entry point
    except BadSetting as fact:
        print(f"worker: {fact}", file=sys.stderr)
        return 2
    if arguments.bridge:
        give_way()
    launched = arguments.slot >= 0 and not arguments.bridge
    ports = open_ports(settings, clock=now_ms)
    ports.warm()
    unlaunched = f"{BRIDGE}-" if arguments.bridge else ""
    identity = Identity(
        worker=f"slot{arguments.slot}-{arguments.epoch}" if launched else f"{unlaunched}{uuid.uuid4().hex}",
        slot=arguments.slot if launched else -1,
        epoch=arguments.epoch if launched else 0,
        bridge=arguments.bridge,
    )
    host = host_milestones(
        unit_started_ms=os.environ.get("UNIT_STARTED_MS", ""),  # noqa: TID251 — an entry point
        fleet=settings.fleet,
        launched=launched,
        now=up_ms,
    )
    milestones = Milestones(ports, identity, host={**host, "supervisor": up_ms})
    engine = EngineProcess(
        engine=settings.engine,
        network=settings.network,
        graphs=settings.graph_cache,
        threads=settings.engine_threads,
        stall_s=settings.stall_s,
        load_s=settings.ready_deadline_s,
    )
    codec = Codec(sandbox=cast("Mode", settings.sandbox))
    desk = Desk(ports, worker=identity.worker)
    stages = Stages(desk, ports.blobs, codec, engine, codec_s=settings.codec_s)
    belt = Belt(settings, ports, desk, stages, engine, codec, milestones, held=1 if arguments.bridge else HELD)
    supervisor = Supervisor(settings, identity, ports, desk, belt, milestones)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    if metadata := metadata_of(os.environ, fleet=settings.fleet):  # noqa: TID251 — an entry point
        listen(metadata, supervisor.heed, threading.Event())
    status = supervisor.run()
    milestones.tell(last=True)
    engine.stop()
    codec.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # stage threads may still wait; nothing is left to save


if __name__ == "__main__":
    sys.exit(main())
