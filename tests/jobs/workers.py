"""Real supervisors in threads of the test's own, over whatever stores the settings name."""

from __future__ import annotations

import io
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image

from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from photos.codec import Codec
from tests.jobs.calls import CallCounter
from worker.belt import Belt
from worker.desk import Desk
from worker.engine import EngineProcess
from worker.milestones import Milestones
from worker.pulse import Identity
from worker.stages import Stages
from worker.supervisor import Supervisor

BOUND_S = 60.0


def photo(level: int = 40) -> bytes:
    """A dark JPEG, 64 × 48."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (level, level, level)).save(file, "JPEG")
    return file.getvalue()


def watched(settings: Settings) -> tuple[Ports, list[CallCounter]]:
    """The ports, and where their calls are counted: the last counter of the list."""
    counters = [CallCounter()]

    def heard(service: str, operation: str) -> None:
        counters[-1].heard(service, operation)

    return open_ports(settings, clock=now_ms, clients=Clients(heard=heard)), counters


@contextmanager
def worker(settings: Settings, ports: Ports, codec: Codec) -> Iterator[Supervisor]:
    """A worker whose engine doubles every code, until the block ends."""
    engine = EngineProcess(engine="", threads=1, stall_s=30, load_s=60, module="tests.worker.engines.bright")
    name = uuid.uuid4().hex
    desk = Desk(ports, worker=name)
    stages = Stages(desk, ports.blobs, codec, engine, codec_s=60)
    identity = Identity(worker=name, slot=-1, epoch=0)
    milestones = Milestones(ports, identity, host={"supervisor": now_ms()})
    belt = Belt(settings, ports, desk, stages, engine, codec, milestones)
    supervisor = Supervisor(settings, identity, ports, desk, belt, milestones)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()
        thread.join(BOUND_S)
        engine.stop()
        assert not thread.is_alive(), "the worker did not end"


def eventually(check: Callable[[], bool], *, within_s: float = BOUND_S) -> None:
    """Wait for something to be true, within a bound."""
    ends = time.monotonic() + within_s
    while not check():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.05)
