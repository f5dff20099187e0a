"""The whole API on a loopback port with a worker's hand behind it, and a way to it that loses answers on order."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from api.app import create_app
from jobs.clock import now_ms
from jobs.ports import Ports, open_ports
from jobs.settings import Settings
from jobs.upkeep import known
from tests.api.conftest import Hands, House, Machines, Prober

PICTURE = bytes(range(256)) * 3000


@dataclass
class Way:
    """WSGI between client and API. `orders` are (method, path, what happens), each met once; one that ends in `/`
    is of all below it.

    `lost`: done, and the answer cut off. `half`: half of the body comes. `held`: done, and answered once it is `freed`.
    A number is the status of a refusal.
    """

    app: Any
    orders: list[tuple[str, str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    freed: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.calls.append(f"{method} {path} {environ.get('HTTP_RANGE', '')}".strip())
        fate = next((order for order in self.orders if order[0] == method and _meant(order[1], path)), None)
        if fate is None:
            return self.app(environ, start)
        self.orders.remove(fate)
        if isinstance(fate[2], int):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start(f"{fate[2]} Later", [("Content-Length", "0"), *self.headers.items()])
            return [b""]
        answer = self.app(environ, start)
        if fate[2] == "held":
            self.freed.wait(60)
            return answer
        body = b"".join(answer)
        answer.close()
        return _cut(environ, body[: len(body) // 2 if fate[2] == "half" else 0])


def _meant(order: str, path: str) -> bool:
    return path.startswith(order) if order.endswith("/") else path == order


def _cut(environ: dict[str, Any], words: bytes) -> Iterator[bytes]:
    if words:
        yield words
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


@dataclass
class Open:
    """A served House. While `works`, every photo is finished soon after it came."""

    house: House
    way: Way
    url: str
    works: threading.Event

    @property
    def ports(self) -> Ports:
        return self.house.ports


@contextmanager
def open_house(folder: Path, **own: Any) -> Iterator[Open]:
    keeps = {
        "blobs": f"file:{folder}/blobs",
        "queue": f"sqlite:{folder}/jobs.db",
        "table": f"sqlite:{folder}/jobs.db",
        "spool": f"{folder}/spool",
    }
    settings = Settings(**keeps | own)
    hands = Hands(now_ms=now_ms())
    ports = open_ports(settings, clock=hands.clock)
    app = create_app(settings, ports=ports, launcher=Machines(hands), codec=Prober(hands))
    house = House(app=app, client=app.test_client(), ports=ports, hands=hands, settings=settings)
    way = Way(app)
    quiet = type("Quiet", (WSGIRequestHandler,), {"protocol_version": "HTTP/1.1", "log": lambda *_: None})
    server = make_server("127.0.0.1", 0, way, threaded=True, request_handler=quiet)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    works, closing = threading.Event(), threading.Event()
    works.set()
    worker = threading.Thread(target=_work, args=(house, works, closing))
    worker.start()
    try:
        yield Open(house=house, way=way, url=f"http://127.0.0.1:{server.server_port}", works=works)
    finally:
        closing.set()
        works.set()
        worker.join()
        house.service.watcher.close()
        server.shutdown()
        server.server_close()
        ports.close()


def _work(house: House, works: threading.Event, closing: threading.Event) -> None:
    while not closing.wait(0.02):
        works.wait()
        for job in known(house.ports):
            if job.state == "queued" and not closing.is_set():
                house.finish(job.id, PICTURE)
