"""A WSGI layer that loses requests and answers on order, and locks what the fake behind it does not lock itself."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class FaultLayer:
    """Each order has an `action` (`UpdateItem`, `PUT`, or `*`), what it `does`, how many `times`, and may have a
    `chance` (0…1) for each of them.

    `503`: refused, nothing done. `403`: refused as S3 does it for want of a permission. `lost`: done, but the answer
    never arrives. `deaf`: neither done nor answered. `half`: half of the answer's body arrives.
    """

    def __init__(self, app: App, faults: list[dict[str, Any]]) -> None:
        self._app = app
        self._faults = faults
        self.done = 0
        self._choosing = threading.Lock()
        self._random = random.Random(20260101)
        self._rows = threading.Lock()  # moto's conditional updates of a row are no locked ones

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        action = target.rpartition(".")[2] or environ["REQUEST_METHOD"]
        does = self._fault(action)
        if does == "503":
            return _refused(environ, start_response)
        if does == "403":
            return _denied(environ, start_response)
        if does == "deaf":
            return _cut(environ)
        if target.startswith("DynamoDB"):
            with self._rows:
                answer = list(self._app(environ, start_response))
        else:
            answer = self._app(environ, start_response)
        if does == "lost":
            return _cut(environ)
        if does == "half":
            return _half(environ, b"".join(answer))
        return answer

    def _fault(self, action: str) -> str | None:
        with self._choosing:
            for fault in self._faults:
                if (
                    fault["action"] in (action, "*")
                    and fault["times"] > 0
                    and self._random.random() < fault.get("chance", 1)
                ):
                    fault["times"] -= 1
                    self.done += 1
                    return str(fault["does"])
        return None


def _refused(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("503 Service Unavailable", [("Content-Length", "0"), ("Connection", "close")])
    return [b""]


def _denied(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    start_response("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _cut(environ: dict[str, Any]) -> Iterable[bytes]:
    """End the connection without an answer."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError


def _half(environ: dict[str, Any], body: bytes) -> Iterable[bytes]:
    yield body[: len(body) // 2]
    yield from _cut(environ)
