"""A supervisor in a thread of the test's own, with real stores, a real codec, and an engine of the test's choice."""

import hashlib
import io
import json
import threading
import time
from dataclasses import replace

import pytest
from PIL import Image

from jobs.clock import now_ms
from jobs.heartbeat import heartbeats
from jobs.intake import Order, accept
from jobs.ports import open_ports
from jobs.settings import Settings
from jobs.table import Row
from photos.codec import Codec
from photos.facts import PhotoFacts
from worker.belt import Belt
from worker.desk import Desk
from worker.engine import EngineProcess
from worker.milestones import Milestones
from worker.pulse import Identity
from worker.stages import Stages
from worker.supervisor import Supervisor

BOUND_S = 100.0


@pytest.fixture(scope="session")
def codec():
    with Codec(sandbox="auto") as codec:
        yield codec


@pytest.fixture
def settings(tmp_path):
    return Settings(
        blobs=f"file:{tmp_path}/blobs",
        queue=f"sqlite:{tmp_path}/jobs.db",
        table=f"sqlite:{tmp_path}/jobs.db",
        fleet=f"process:{tmp_path}/machines",
        heartbeat_s=0.2,
        lease_s=3.0,  # a machine that pauses for seconds costs no photo its lease, nor
        stall_s=20.0,  # an engine its photo; a test that waits for either sets it short
        ready_deadline_s=30.0,
    )


@pytest.fixture
def ports(settings):
    ports = open_ports(settings, clock=now_ms)
    yield ports
    ports.close()


def jpeg(width=64, height=48, level=40):
    file = io.BytesIO()
    Image.new("RGB", (width, height), (level, level, level)).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.fixture
def send(ports):
    """Accept a photo; the job."""

    def send(photo=None, **facts):
        photo = photo or jpeg()
        known = {"format": "jpeg", "width": 64, "height": 48, "orientation": 1, "layout": "rgb", "depth": 8}
        order = Order(
            ratio=None,
            format="jpeg",
            photo=PhotoFacts(**{**known, "grey": False, "alpha": False, **facts}).to_json(),
            size=len(photo),
            sha256=hashlib.sha256(photo).hexdigest(),
            visitor="test",
        )
        return accept(ports, order, io.BytesIO(photo))

    return send


class Worker:
    """One supervisor and the thread it runs in."""

    def __init__(self, settings, codec, engine, argument, wrap):
        self.ports = wrap(open_ports(settings, clock=now_ms))
        self.engine = EngineProcess(
            engine=argument, threads=1, stall_s=settings.stall_s, load_s=60, module=f"tests.worker.engines.{engine}"
        )
        self.desk = Desk(self.ports, worker="slot0-1")
        stages = Stages(self.desk, self.ports.blobs, codec, self.engine, codec_s=60)
        identity = Identity(worker="slot0-1", slot=0, epoch=1)
        milestones = Milestones(self.ports, identity, host={"supervisor": now_ms()})
        belt = Belt(settings, self.ports, self.desk, stages, self.engine, codec, milestones)
        self.supervisor = Supervisor(settings, identity, self.ports, self.desk, belt, milestones)
        self.status = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        self.status = self.supervisor.run()
        self.engine.stop()

    def ended(self):
        self.thread.join(BOUND_S)
        assert not self.thread.is_alive(), "the worker did not end"
        return self.status

    def stop(self):
        self.supervisor.stop()
        return self.ended()

    @property
    def heartbeat(self):
        return heartbeats(self.ports.table, since_ms=0)[-1]


@pytest.fixture
def start(settings, codec, ports, tmp_path):
    workers = []
    ports.table.insert(Row(key="slot/0", doc=json.dumps({"launched_ms": now_ms() - 1000})))  # as a launcher leaves it

    def start(engine, argument="", wrap=lambda ports: ports, codec=codec, **changed):
        """`wrap` may put a store that fails or waits round the real one."""
        worker = Worker(replace(settings, **changed), codec, engine, argument or str(tmp_path / "mark"), wrap)
        workers.append(worker)
        return worker

    yield start
    for worker in workers:
        worker.stop()


@pytest.fixture
def eventually():
    """Wait for something to be true, within a bound."""

    def eventually(check):
        ends = time.monotonic() + BOUND_S
        while not check():
            assert time.monotonic() < ends, "it never came true"
            time.sleep(0.01)

    return eventually


@pytest.fixture
def until(ports, eventually):
    """Wait for a job to be as wanted; the job."""

    def until(accepted, wanted):
        seen = []
        eventually(lambda: wanted(seen.append(ports.ledger.read(accepted.job.id)) or seen[-1]))
        return seen[-1]

    return until
