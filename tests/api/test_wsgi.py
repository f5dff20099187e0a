"""The app keeps to WSGI's rules, so that any server can carry it."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from wsgiref.validate import validator

import pytest
from werkzeug.test import create_environ

from tests.api.conftest import JPEG, House


def serve(house: House, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[str, bytes]:
    """As a server does it: start, read, close."""
    environ = create_environ(path, method=method, headers=headers, input_stream=BytesIO(body))
    told: list[str] = []

    def start(status: str, _: Any, __: Any = None) -> Any:
        told.append(status)
        return lambda _: None

    answer = validator(house.app)(environ, start)
    try:
        return told[0] if told else "", b"".join(answer)
    finally:
        answer.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("place", ["status", "events", "result", "photo"])
def test_answers_keep_to_the_rules(house: House, method: str, place: str) -> None:
    job_id = house.uploaded()["id"]
    house.finish(job_id)
    status, body = serve(house, method, f"/{place}/{job_id}", {})
    assert status.startswith("200 ")
    assert bool(body) == (method == "GET")
    assert serve(house, method, "/nothing", {})[0].startswith("404 ")


def test_uploads_keep_to_the_rules(house: House) -> None:
    body = b'--m\r\nContent-Disposition: form-data; name="image"; filename="n"\r\n\r\n' + JPEG + b"\r\n--m--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=m"}
    assert serve(house, "POST", "/upload", headers, body)[0].startswith("202 ")
    assert serve(house, "POST", "/upload", {"Content-Type": "image/jpeg"}, body)[0].startswith("415 ")
