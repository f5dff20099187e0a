"""A whole API over the laptop's own stores in a temporary folder, with a clock and machines that the test turns."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers
from werkzeug.test import create_environ, run_wsgi_app

from api.app import create_app
from api.service import Service
from fleet.outlook import Outlook
from jobs.errors import StoreBusy
from jobs.job import Job, Result
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from jobs.transitions import claim, enter, fail, publish
from photos.errors import UnreadablePhoto
from photos.facts import PhotoFacts

START_MS = 1_800_000_000_000
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
FACTS = PhotoFacts(
    format="jpeg", width=4000, height=3000, orientation=1, layout="rgb", depth=8, grey=False, alpha=False
)


@dataclass
class Hands:
    """The parts of the world that a test moves: time, machines, and what the probe will say."""

    now_ms: int = START_MS
    outlook: Outlook = field(default_factory=lambda: Outlook(state="ready", phase="in_line"))
    blind: bool = False
    refused: str | None = None
    ensured: list[str] = field(default_factory=list)
    finding: PhotoFacts | Exception = FACTS
    probed: list[int] = field(default_factory=list)

    def clock(self) -> int:
        return self.now_ms


@dataclass
class Machines:
    """Machines that are as the test says (`api.outlooks.Launching`)."""

    hands: Hands

    def ensure(self, reason: str) -> Outlook:
        self.hands.ensured.append(reason)
        if self.hands.blind:
            raise StoreBusy("locked")
        return replace(self.hands.outlook, refused=self.hands.refused)

    def outlook(self) -> Outlook:
        if self.hands.blind:
            raise StoreBusy("locked")
        return self.hands.outlook

    def glance(self, reason: str | None = None) -> Outlook:
        told = self.outlook()
        return replace(told, refused=self.hands.refused) if reason and told.state == "none" else told


@dataclass
class Prober:
    """A probe that finds what the test says (`api.service.Prober`)."""

    hands: Hands

    def probe(self, photo_fd: int, *, deadline_s: float) -> PhotoFacts:
        self.hands.probed.append(photo_fd)
        if isinstance(self.hands.finding, Exception):
            raise self.hands.finding
        return self.hands.finding


@dataclass
class Answer:
    """An answer that was read to its end; `taken` bytes of the request were read before it."""

    data: bytes
    status_code: int
    headers: Headers
    taken: int

    @property
    def mimetype(self) -> str:
        return self.headers["Content-Type"].partition(";")[0]

    @property
    def text(self) -> str:
        return self.data.decode()

    def get_json(self) -> Any:
        return json.loads(self.data)


@dataclass
class House:
    """The app, a client, its stores, and a worker's hand to move jobs with."""

    app: Flask
    client: FlaskClient
    ports: Ports
    hands: Hands
    settings: Settings

    @property
    def service(self) -> Service:
        service = self.app.extensions["firstlight"]
        assert isinstance(service, Service)
        return service

    def upload(self, photo: bytes = JPEG, *, headers: dict[str, str] | None = None, **fields: str) -> Any:
        return self.client.post("/upload", data={**fields, "image": (io.BytesIO(photo), "night.jpg")}, headers=headers)

    def send(self, stream: Any, headers: dict[str, str], *, method: str = "POST", path: str = "/upload") -> Answer:
        """A request whose body the server reads from `stream`, as it comes off a socket."""
        environ = create_environ(path, method=method, headers=headers)
        for name in ("Content-Type", "Content-Length"):
            environ[name.upper().replace("-", "_")] = headers.get(name, "")
        environ["wsgi.input"] = stream
        body, status, answered = run_wsgi_app(self.app, environ)
        answer = Answer(b"".join(body), int(status[:3]), answered, taken=stream.taken)
        body.close()  # type: ignore[attr-defined] # the server does so once the answer is sent
        return answer

    def uploaded(self, photo: bytes = JPEG, **fields: str) -> dict[str, Any]:
        answer = self.upload(photo, **fields)
        assert answer.status_code == 202, answer.text
        return answer.get_json()

    def change(self, job_id: str, transition: Any, **words: Any) -> Job:
        job = self.ports.ledger.change(job_id, lambda job: transition(job, now=self.hands.now_ms, **words))
        assert job is not None
        return job

    def asked(self) -> list[str]:
        """What the launcher was asked, ticks aside, once it has been asked everything so far."""
        ensured = self.hands.ensured
        ticks, pause = ensured.count("tick"), threading.Event()
        self.service.outlooks.ensure_soon("tick")
        for _ in range(12_000):
            if ensured.count("tick") > ticks:
                return [reason for reason in ensured if reason != "tick"]
            pause.wait(0.005)
        raise AssertionError("the launcher was never asked")

    def begin(self, job_id: str, *, holder: str = "w") -> Job:
        return self.change(job_id, claim, token="t", holder=holder, terms=self.ports.ledger.terms)

    def enter(self, job_id: str, phase: str) -> Job:
        return self.change(job_id, enter, phase=phase, token="t", terms=self.ports.ledger.terms)

    def finish(self, job_id: str, picture: bytes = b"\xff\xd8\xffbright") -> Job:
        self.begin(job_id)
        return self.finish_running(job_id, picture)

    def finish_running(self, job_id: str, picture: bytes = b"\xff\xd8\xffbright") -> Job:
        key = f"out/{job_id}/t"
        stored = self.ports.blobs.put(key, io.BytesIO(picture))
        result = Result(
            key=key,
            size=stored.size,
            sha256=stored.sha256,
            media_type="image/jpeg",
            width=4000,
            height=3000,
            ratio=12.5,
        )
        return self.change(job_id, publish, token="t", result=result, terms=self.ports.ledger.terms)

    def fail_running(self, job_id: str, code: str = "photo_kills_decoder", detail: str = "") -> Job:
        return self.change(job_id, fail, token="t", code=code, detail=detail, terms=self.ports.ledger.terms)

    def fail(self, job_id: str, code: str = "photo_kills_decoder", detail: str = "") -> Job:
        self.begin(job_id)
        return self.fail_running(job_id, code, detail)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def build(tmp_path: Path, hands: Hands) -> Iterator[Any]:
    """Build a House with some settings of one's own."""
    built: list[House] = []

    def build(page: Path | None = None, **own: Any) -> House:
        settings = Settings(
            **{
                "blobs": f"file:{tmp_path}/blobs",
                "queue": f"sqlite:{tmp_path}/jobs.db",
                "table": f"sqlite:{tmp_path}/jobs.db",
                "spool": f"{tmp_path}/spool",
                **own,
            }
        )
        ports = open_ports(settings, clock=hands.clock)
        app = create_app(settings, ports=ports, launcher=Machines(hands), codec=Prober(hands), page=page)
        app.testing = True
        built.append(House(app=app, client=app.test_client(), ports=ports, hands=hands, settings=settings))
        return built[-1]

    yield build
    for house in built:
        house.service.watcher.close()
        house.ports.close()


@pytest.fixture
def house(build: Any) -> House:
    made = build()
    assert isinstance(made, House)
    return made


def unreadable(code: str) -> UnreadablePhoto:
    return UnreadablePhoto(code, f"It is {code}.")
