"""The stand-in behind HTTP on a loopback port: EC2's instances from the region, everything else of AWS from moto.

/imds/<instance>/latest/…    that instance's metadata service
/stand-in/…                  what only a test or a demonstration may do: interrupt, recommend, change the weather
anything else                AWS: a few calls of EC2 and one of Service Quotas here, the rest moto's
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl

from fleet.stand_in import quotas, wire
from fleet.stand_in.metadata import metadata
from fleet.stand_in.region import NOTICE_MS, Region
from fleet.stand_in.weather import Fault, Lost

Environ = dict[str, Any]
Start = Callable[..., Any]
App = Callable[[Environ, Start], Iterable[bytes]]
OURS = {
    "CreateFleet": "create_fleet",
    "DescribeInstances": "describe_instances",
    "TerminateInstances": "terminate_instances",
}
MOST_BYTES = 1 << 20
LOOK_S = 0.2


class StandIn:
    """The WSGI application."""

    def __init__(self, region: Region, aws: App) -> None:
        self._region = region
        self._aws = aws
        self._rows = threading.Lock()  # moto's conditional writes check first and write later

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if asked := re.fullmatch(r"/imds/([^/]+)/latest/(.*)", path):
            return self._metadata(environ, start, *asked.groups())
        if path.startswith("/stand-in/"):
            return self._ordered(environ, start, path.removeprefix("/stand-in/"))
        if re.search(r"/ec2/aws4_request", environ.get("HTTP_AUTHORIZATION", "")):
            body = environ["wsgi.input"].read(min(MOST_BYTES, int(environ.get("CONTENT_LENGTH") or 0)))
            form = dict(parse_qsl(body.decode(), keep_blank_values=True))
            if form.get("Action") in OURS:
                return self._ec2(environ, start, form)
            environ["wsgi.input"] = BytesIO(body)
        if environ.get("HTTP_X_AMZ_TARGET") == quotas.TARGET:
            body = environ["wsgi.input"].read(min(MOST_BYTES, int(environ.get("CONTENT_LENGTH") or 0)))
            return _said(start, *quotas.answer(json.loads(body), self._region.weather), "application/x-amz-json-1.1")
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB"):
            with self._rows:
                return list(self._aws(environ, start))
        return self._aws(environ, start)

    def _ec2(self, environ: Environ, start: Start, form: dict[str, str]) -> Iterable[bytes]:
        action = form["Action"]
        try:
            told = getattr(self._region, OURS[action])(**wire.parameters(action, form))
        except Fault as fault:
            return _said(start, fault.status, wire.refusal(fault.code, fault.message), "text/xml")
        except Lost:
            connection: socket.socket = environ["werkzeug.socket"]
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionAbortedError from None  # the server knows what to do about those who hang up
        if action == "CreateFleet":
            time.sleep(self._region.weather.answer_ms / 1000)
        return _said(start, 200, wire.answer(action, told), "text/xml")

    def _metadata(self, environ: Environ, start: Start, name: str, path: str) -> Iterable[bytes]:
        instance = self._region.instances.get(name)
        if instance is None:
            return _said(start, 404, "")
        token = environ.get("HTTP_X_AWS_EC2_METADATA_TOKEN", "")
        said = metadata(instance, environ["REQUEST_METHOD"], path, token, now=self._region.clock())
        return _said(start, said.status, said.body)

    def _ordered(self, environ: Environ, start: Start, order: str) -> Iterable[bytes]:
        what, _, name = order.partition("/")
        region = self._region
        if (environ["REQUEST_METHOD"], what) == ("GET", "instances"):
            now = region.clock()
            states = {each.id: {"state": each.state(now), **each.tags} for each in region.instances.values()}
            return _said(start, 200, json.dumps(states), "application/json")
        if environ["REQUEST_METHOD"] != "POST" or (name and name not in region.instances):
            return _said(start, 404, "")
        body = environ["wsgi.input"].read(min(MOST_BYTES, int(environ.get("CONTENT_LENGTH") or 0)))
        wish: dict[str, Any] = json.loads(body or b"{}")
        if what == "interrupt" and wish.get("notice", True):
            region.announce(name, in_ms=int(wish.get("in_ms", NOTICE_MS)))
        elif what == "interrupt":
            region.end(name, why="Server.SpotInstanceTermination")
        elif what == "recommend":
            region.recommend(name)
        elif what == "weather":
            for field, value in wish.items():
                setattr(region.weather, field, value)
        else:
            return _said(start, 404, "")
        return _said(start, 204, "")


class Server:
    """The stand-in on a loopback port, in threads of this process, until closed."""

    def __init__(self, region: Region, *, port: int = 0) -> None:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 — only who runs the stand-in needs moto
            DomainDispatcherApplication,
            MotoRequestHandler,
            create_backend_app,
        )
        from werkzeug.serving import make_server  # noqa: PLC0415

        quiet = {"protocol_version": "HTTP/1.1", "log": lambda *_: None}  # botocore's own log tells of requests
        handler = type("Handler", (MotoRequestHandler,), quiet)
        app = StandIn(region, DomainDispatcherApplication(create_backend_app))
        self._region = region
        self._http = make_server("127.0.0.1", port, app, threaded=True, request_handler=handler)
        self._closing = threading.Event()
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"
        for name, work in (("stand-in", self._http.serve_forever), ("interruptions", self._elapse)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def close(self) -> None:
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()

    def _elapse(self) -> None:
        while not self._closing.wait(LOOK_S):
            self._region.elapse()


def _said(start: Start, status: int, body: str, kind: str = "text/plain") -> Iterable[bytes]:
    words = body.encode()
    start(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", kind), ("Content-Length", str(len(words)))])
    return [words]
