"""Photos on their whole way over the stand-in for AWS, and every request counted: by upload, work, tick, launch.

API, tick and worker live in this process, each with clients of its own; only the machine is a mere word of EC2's.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import requests

from api.app import create_app
from bench.meter import Meter, MeteredClients, Use
from fleet.attendance import EVERY_MS, Attendance
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.stand_in.cloud import KEYS, LocalCloud, fair
from fleet.tick import tick_once
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.heartbeat import heartbeats
from jobs.orphans import Orphans
from jobs.ports import Ports, open_ports
from jobs.provision import Names, Provision
from jobs.settings import Settings
from jobs.sweep import sweep
from jobs.usual import usual
from photos.codec import Codec
from worker.belt import Belt
from worker.desk import Desk
from worker.engine import EngineProcess
from worker.milestones import Milestones
from worker.pulse import Identity
from worker.stages import Stages
from worker.supervisor import Supervisor

BOUND_S = 300.0
QUIET_S = 0.4  # without a request: what the API does in the background is done
TICKS = 3
WAIT_S = 5
CLOUDY = {  # as `make deploy` sets it up: adaptive idle time and budgets, which cost rows of their own
    "IDLE_S": "90",
    "IDLE_LEAST_S": "25",
    "IDLE_MOST_S": "600",
    "WARM_BUDGET": "20",
    "DOLLAR_BUDGET": "5",
    "UPLOAD_LIMIT": "1000",  # the deployment's 30 an hour are fewer than may be sent here
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What each part of the service's life asks of AWS. `photo_bytes` and `result_bytes` are one photo's.

    Per photo: streamed through the API, or put straight into the store; the work on either; one look at its status and
    the download; and being forgotten. `waiting_second` is a second of somebody's wait for a photo in line, which costs
    the most. `launch` is a whole one, from the warm call to the settled slot. `tick_beside_machine` is a tick while a
    machine lives, `idle_tick` one while nothing does. `collect` is the hourly search for orphans,
    `sign` the tick's sign of life.
    """

    streamed: Use
    direct: Use
    work: Use
    direct_work: Use
    waiting_second: Use
    download: Use
    forget: Use
    warm_call: Use
    launch: Use
    worker_minute: Use
    tick_beside_machine: Use
    idle_tick: Use
    collect: Use
    sign: Use
    photo_bytes: int
    result_bytes: int


def counted(photo: bytes, *, photos: int, folder: Path, engine: str, minute_s: float) -> Counted:
    """Send `photos` of each kind, one after the other; watch an idle worker for `minute_s` seconds."""
    with _cloud(folder, engine) as (cloud, settings), Codec(sandbox="auto") as codec:
        return _Rehearsal(cloud, settings, codec).lived(photo, photos=photos, minute_s=minute_s)


@contextmanager
def _cloud(folder: Path, engine: str) -> Iterator[tuple[LocalCloud, Settings]]:
    """The stand-in with our stores in it, and the environment that leads there, until the block ends."""
    outside = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in outside:
        del os.environ[name]  # nobody's real account
    os.environ.update(KEYS | {"AWS_EC2_METADATA_DISABLED": "true"})
    host = (sys.executable, "-c", "import time; time.sleep(3600)")
    cloud = LocalCloud(environ=os.environ, logs=folder / "machines", weather=fair(boot_s=0.0), command=host)
    os.environ["AWS_ENDPOINT_URL"] = cloud.endpoint
    try:
        name = f"firstlight-{uuid.uuid4().hex[:12]}"  # moto keeps one account for the whole process
        provision = Provision(Clients(), Names(bucket=name, queue=name, table=name), Settings())
        for step in provision.steps():
            step.do()
        stores = dict(line.split("=", 1) for line in provision.settings_lines())
        cloud.account.put_template(name, stores)
        environ = {**stores, **CLOUDY, "FLEET": f"ec2:{name}", "SPOOL": str(folder / "spool"), "ENGINE": engine}
        yield cloud, Settings.read(environ)
    finally:
        cloud.close()
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(outside)


class _Rehearsal:
    """One life of the service: idle, woken, at work, and idle again."""

    def __init__(self, cloud: LocalCloud, settings: Settings, codec: Codec) -> None:
        self._cloud, self._settings, self._codec = cloud, settings, codec
        self._unheard = open_ports(settings, clock=now_ms)
        self._api, self._clock, self._hand = Meter(), Meter(), Meter()
        self._ports, launcher = self._opened(self._api)
        self._clock_ports, self._clock_launcher = self._opened(self._clock)
        app = create_app(settings, ports=self._ports, launcher=launcher, codec=codec)
        self._browser = app.test_client()

    def lived(self, photo: bytes, *, photos: int, minute_s: float) -> Counted:
        self._ticks("first")  # makes clients and learns the subnets
        idle_tick = self._ticks("idle")
        attendance = Attendance(table=self._clock_ports.table, clock=lambda: 2 * EVERY_MS)
        sign = self._at(self._clock, "sign", attendance.show)
        self._at(self._api, "launch", lambda: self._warm("view"))
        with self._worker():
            until(lambda: [each.state for each in heartbeats(self._unheard.table, since_ms=0)] == ["ready"])
            until(lambda: usual(self._unheard.table).get("loading_model") is not None)
            time.sleep(QUIET_S)
            minute = self._life(minute_s)
            beside = self._ticks("beside")
            warm_call = self._at(self._api, "warm", lambda: self._warm("pick"))
            sizes = [self._sent(photo, way=way) for way in ("streamed", "direct") for _ in range(photos)]
        self._machine_ends()
        collect = self._at(self._clock, "collect", lambda: Orphans(self._clock_ports).collect())
        forget = self._forgotten() * (1 / len(sizes))
        waiting_second = self._waited(photo)
        each = 1 / photos
        return Counted(
            streamed=self._api.use("streamed") * each,
            direct=self._api.use("direct") * each,
            work=self._hand.use("streamed") * each,
            direct_work=self._hand.use("direct") * each,
            waiting_second=waiting_second,
            download=self._api.use("download") * (1 / len(sizes)),
            forget=forget,
            warm_call=warm_call,
            launch=self._api.use("launch") + self._hand.use("launch") + self._clock.use("settle"),
            worker_minute=minute,
            tick_beside_machine=beside,
            idle_tick=idle_tick,
            collect=collect,
            sign=sign,
            photo_bytes=len(photo),
            result_bytes=sum(sizes) // len(sizes),
        )

    def _life(self, seconds: float) -> Use:
        """A minute of a worker that waits, from so many seconds of one."""
        before, began = self._hand.use("life"), time.monotonic()
        time.sleep(seconds)
        return (self._hand.use("life") + before * -1) * (60 / (time.monotonic() - began))

    def _sent(self, photo: bytes, *, way: Literal["streamed", "direct"]) -> int:
        """Enhance a photo and fetch the result; its bytes."""
        self._hand.stage = self._api.stage = way
        told = self._streamed(photo) if way == "streamed" else self._direct(photo)
        self._quiet(self._api)
        until(lambda: self._job_is_done(told["id"]) and self._unheard.queue.depth().in_flight == 0)
        time.sleep(QUIET_S)  # the worker records how long it took
        self._api.stage = "download"
        self._browser.get(told["status_url"])
        answer = self._browser.get(told["result_url"])
        picture = requests.get(answer.headers["Location"], timeout=BOUND_S)
        picture.raise_for_status()
        self._api.add("s3", "GetObject")
        self._quiet(self._api)
        return len(picture.content)

    def _waited(self, photo: bytes) -> Use:
        """A second of waiting, while a new machine boots whose worker never comes."""
        self._api.stage = "second launch"
        told = self._streamed(photo)
        self._quiet(self._api)
        self._api.stage, began = "waiting", time.monotonic()
        self._browser.get(f"{told['status_url']}?wait={WAIT_S}")
        return self._api.use("waiting") * (1 / (time.monotonic() - began))

    def _job_is_done(self, job_id: str) -> bool:
        job = self._unheard.ledger.read(job_id)
        if job is not None and job.state == "failed":
            raise ValueError(f"the photo failed: {job.error}")
        return job is not None and job.state == "done"

    def _streamed(self, photo: bytes) -> dict[str, Any]:
        return _told(self._browser.post("/upload", data={"image": (BytesIO(photo), "night.jpg")}), 202)

    def _direct(self, photo: bytes) -> dict[str, Any]:
        invited = _told(self._browser.post("/upload/direct", json={"size": len(photo)}), 201)
        form = invited["upload"]
        requests.post(form["url"], data=form["fields"], files={"file": photo}, timeout=BOUND_S).raise_for_status()
        self._api.add("s3", "PostObject")
        bearer = {"Authorization": f"Bearer {invited['owner_token']}"}
        return _told(self._browser.post(invited["confirm_url"], headers=bearer), 202)

    def _warm(self, intent: str) -> None:
        self._browser.post("/warm", json={"intent": intent})

    def _ticks(self, stage: str) -> Use:
        for _ in range(TICKS):
            self._at(self._clock, stage, lambda: tick_once(self._clock_ports, self._clock_launcher))
        return self._clock.use(stage) * (1 / TICKS)

    def _machine_ends(self) -> None:
        """The worker has powered its host off; the next tick settles the slot and gives back what was paid ahead."""
        (machine,) = self._cloud.region.live()
        self._cloud.region.end(machine.id, why="Client.InstanceInitiatedShutdown")
        until(lambda: not self._cloud.region.live())
        self._at(self._clock, "settle", lambda: tick_once(self._clock_ports, self._clock_launcher))

    def _forgotten(self) -> Use:
        """What the sweep asks once results, heartbeats and invitations have expired."""
        late_ms = int(self._settings.keep_s * 2000)
        ports = open_ports(self._settings, clock=lambda: now_ms() + late_ms, clients=MeteredClients(self._clock))
        return self._at(self._clock, "forget", lambda: sweep(ports))

    def _at(self, meter: Meter, stage: str, act: Callable[[], object]) -> Use:
        meter.stage = stage
        act()
        self._quiet(meter)
        return meter.use(stage)

    def _quiet(self, meter: Meter) -> None:
        heard = -1
        while heard != meter.heard:
            heard = meter.heard
            time.sleep(QUIET_S)

    def _opened(self, meter: Meter) -> tuple[Ports, Launcher]:
        clients = MeteredClients(meter)
        ports = open_ports(self._settings, clock=now_ms, clients=clients)
        return ports, Launcher(ports, self._settings, open_fleet(self._settings, ports, clients=clients))

    @contextmanager
    def _worker(self) -> Iterator[None]:
        """The supervisor of `python -m worker --slot 0 --epoch 1`, in a thread."""
        self._hand.stage = "launch"
        settings = self._settings
        ports, _ = self._opened(self._hand)
        engine = EngineProcess(engine=settings.engine, threads=0, stall_s=settings.stall_s, load_s=BOUND_S)
        desk = Desk(ports, worker="slot0-1")
        stages = Stages(desk, ports.blobs, self._codec, engine, codec_s=settings.codec_s)
        identity = Identity(worker="slot0-1", slot=0, epoch=1)
        milestones = Milestones(ports, identity, host={"supervisor": now_ms()})
        belt = Belt(settings, ports, desk, stages, engine, self._codec, milestones)
        supervisor = Supervisor(settings, identity, ports, desk, belt, milestones)
        thread = threading.Thread(target=supervisor.run, name="supervisor")
        thread.start()
        try:
            yield
        finally:
            self._hand.stage = "launch"
            supervisor.stop()
            thread.join(BOUND_S)
            engine.stop()


def until(check: Callable[[], bool]) -> None:
    """Wait for something to be true. Raises TimeoutError."""
    ends = time.monotonic() + BOUND_S
    while not check():
        if time.monotonic() > ends:
            raise TimeoutError("it never came true")
        time.sleep(0.05)


def _told(answer: Any, status: int) -> dict[str, Any]:
    """Raises ValueError when the API did not take what it should."""
    if answer.status_code != status:
        raise ValueError(f"the API answers {answer.status_code}: {answer.text}")
    told: dict[str, Any] = answer.get_json()
    return told
