"""One machine in a small cloud of its own, with one dark photo waiting: ours, and the old one beside it."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from PIL import Image

from bench.machine import Disk, Machine
from bench.small_cloud import GUEST_AWS, GUEST_METADATA, NAMES, SmallCloud
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.intake import Order, accept
from jobs.job import Job
from jobs.ports import open_ports

SIDE = 512
KEY = "photo"
# Under emulation a second's work takes a minute: what watches for hangs must wait longer.
PATIENT = {"STALL_S": "1200", "CODEC_S": "600", "LEASE_S": "300", "READY_DEADLINE_S": "1200"}
NEVER = {"IDLE_S": "3000"}
OURS = {
    "systemd": r"Welcome to|systemd\[1\]: ",
    "launch": r"launch: slot",
    "dockerd": r"Started .*dockerd\.service",
    "worker": r"Start(ing|ed) .*firstlight-worke",
    "engine_ready": r"engine ready",
    "deadman": r"deadman: this machine ends",
    "off": r"Power down",
}
OLD = {
    "systemd": r"Welcome to",
    "cloud_init": r"cloud-init.* running 'init'",
    "docker": r"Started .*docker\.service",
    "user_data": r"cloud-init.* running 'modules:final'",
    "container": r"old: python",
    "torch": r"old: torch imported",
    "weights": r"old: weights loaded",
}


class NoPicture(Exception):
    """The machine brought none; the message holds its console's last words."""


class Trial(Protocol):
    """A machine to be started on a waiting photo."""

    machine: Machine

    def picture(self, timeout_s: float) -> bytes:
        """The bright picture, once there is one; its moment is marked `first_result`. Raises NoPicture."""

    def close(self) -> None:
        """Pull the plug and close the cloud."""


def dark_photo() -> bytes:
    """A photograph at a sixth of its codes, SIDE by SIDE pixels, as JPEG."""
    from skimage import data  # noqa: PLC0415 — slow to load

    day = Image.fromarray(data.astronaut()).resize((SIDE, SIDE))
    return encoded(Image.fromarray((np.asarray(day) * 0.16).astype(np.uint8)))


def encoded(picture: Image.Image) -> bytes:
    """As JPEG."""
    file = io.BytesIO()
    picture.save(file, "jpeg", quality=92)
    return file.getvalue()


def brightness(photo: bytes) -> float:
    """Mean of all codes, 0…255."""
    return float(np.asarray(Image.open(io.BytesIO(photo)).convert("RGB")).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a machine of ours meets: all is well, unless it is told otherwise.

    `environ` is in its user data; `age_s` is what its deadline tag allows; `hidden` begins what its metadata do not
    tell; `answers` is false where nobody answers it at all; `clock` is the time it believes in, for QEMU's -rtc;
    `kernel` is said to its kernel.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    age_s: float = 3600.0
    hidden: tuple[str, ...] = ()
    answers: bool = True
    clock: str = "utc"
    memory_mb: int = 3072
    kernel: str = "ro"


class Ours:
    """Our machine, launched by CreateFleet as the launcher asks for it.

    `photo` None: nothing waits and nothing is measured, so its time is steady.
    """

    def __init__(self, disk: Disk, photo: bytes | None, world: World) -> None:
        self._disk, self._world, self._steady = disk, world, photo is None
        self.cloud = SmallCloud(
            dict(world.environ),
            power_on=self._power_on,
            asked=lambda: self.machine.mark("metadata"),
            hidden=world.hidden,
        )
        self.ports = open_ports(self.cloud.settings, clock=now_ms)
        self._job = self._put(photo) if photo else ""
        self.instance = self.cloud.launch(age_s=world.age_s)

    def _power_on(self, instance: Any) -> None:
        forwards = {GUEST_AWS: self.cloud.port, GUEST_METADATA: self.cloud.serve_metadata(instance)}
        self.machine = Machine(
            self._disk,
            forwards=forwards if self._world.answers else {},
            marks=OURS,
            arguments=f"{self._world.kernel} systemd.show_status=1",
            console=self._disk.image.with_suffix(".log"),
            clock=self._world.clock,
            memory_mb=self._world.memory_mb,
            steady=self._steady,
        )

    def _put(self, photo: bytes) -> str:
        facts = {"format": "jpeg", "width": SIDE, "height": SIDE, "orientation": 1, "layout": "rgb", "depth": 8}
        order = Order(
            ratio=None,
            format="jpeg",
            photo={**facts, "grey": False, "alpha": False},
            size=len(photo),
            sha256=hashlib.sha256(photo).hexdigest(),
            visitor="boots",
        )
        return accept(self.ports, order, io.BytesIO(photo)).job.id

    def received(self, timeout_s: float) -> None:
        """Wait until the worker has the photo in hand, which is marked `first_receive`. Raises NoPicture."""
        self._job_when(lambda job: job.attempts > 0, timeout_s)
        self.machine.mark("first_receive")

    def picture(self, timeout_s: float) -> bytes:
        ends = time.monotonic() + timeout_s
        self.received(timeout_s)
        job = self._job_when(lambda job: job.result is not None, ends - time.monotonic())
        self.machine.mark("first_result")
        assert job.result is not None
        with self.ports.blobs.open(job.result.key) as file:
            return file.read()

    def _job_when(self, reached: Callable[[Job], bool], timeout_s: float) -> Job:
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            job = self.ports.ledger.read(self._job)
            if job is not None and reached(job):
                return job
            if self.machine.wait_off(0.1):
                break
        raise NoPicture("\n".join(self.machine.heard.words[-40:]))

    def close(self) -> None:
        self.machine.end()
        self.ports.close()
        self.cloud.close()


class Old:
    """The old machine: a message, a photo and a pickled checkpoint wait in the same stores."""

    def __init__(self, disk: Disk, photo: bytes) -> None:
        import torch  # noqa: PLC0415 — slow to load

        from bench.old_network import build  # noqa: PLC0415

        self.cloud = SmallCloud({}, power_on=lambda _: None, asked=lambda: None)
        clients = Clients()
        self._store = clients.client("s3")
        checkpoint = io.BytesIO()
        torch.save(build().state_dict(), checkpoint)
        for key, content in (("checkpoint.pth", checkpoint.getvalue()), (f"in/{KEY}", photo)):
            self._store.put_object(Bucket=NAMES.bucket, Key=key, Body=content)
        clients.client("sqs").send_message(QueueUrl=self.cloud.settings.queue, MessageBody=KEY)
        told = {"BUCKET": NAMES.bucket, "LD_LIBRARY_PATH": "/usr/local/lib", **self.cloud.user_data}
        names = ("BUCKET", "QUEUE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "LD_LIBRARY_PATH")
        forwards = {
            GUEST_AWS: self.cloud.port,
            GUEST_METADATA: self.cloud.serve_metadata(self.cloud.launch(age_s=3600.0)),
        }
        arguments = " ".join(["rw apparmor=0 systemd.show_status=1", *(f"old.{name}={told[name]}" for name in names)])
        self.machine = Machine(
            disk, forwards=forwards, marks=OLD, arguments=arguments, console=disk.image.with_suffix(".log")
        )

    def picture(self, timeout_s: float) -> bytes:
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            out = self._store.list_objects_v2(Bucket=NAMES.bucket, Prefix="out/").get("Contents", [])
            if out:
                self.machine.mark("first_result")
                content: bytes = self._store.get_object(Bucket=NAMES.bucket, Key=out[0]["Key"])["Body"].read()
                return content
            if self.machine.wait_off(0.2):
                break
        raise NoPicture("\n".join(self.machine.heard.words[-40:]))

    def close(self) -> None:
        self.machine.end()
        self.cloud.close()
