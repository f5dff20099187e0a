"""How soon /warm and an upload answer while EC2 takes five seconds to launch: `python -m bench.warm`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import requests

from bench.nights import night_jpeg
from bench.passage import Measured
from bench.service import Service, service

LAUNCH_MS = 5000
CALLS = 20


def measured() -> list[Measured]:
    """Milliseconds over HTTP, in the cloud's configuration on a stand-in for AWS."""
    photo = night_jpeg(2400, 1600)
    with service(command="rehearse", arguments=("--engine", "openvino")) as cloud:
        found = re.search(r"http://127\.0\.0\.1:[0-9]+", (cloud.folder / "up.log").read_text())
        assert found is not None
        told = requests.post(f"{found[0]}/stand-in/weather", json={"answer_ms": LAUNCH_MS}, timeout=10)
        told.raise_for_status()
        first = _took(lambda: _warm(cloud))
        during = [_took(lambda: _warm(cloud)) for _ in range(CALLS)]
        asked = [_took(lambda: requests.get(f"{cloud.url}/warm", timeout=10)) for _ in range(CALLS)]
        upload = [_took(lambda: cloud.upload(photo)) for _ in range(5)]
        cloud.warm()
        ready = [_took(lambda: _warm(cloud)) for _ in range(CALLS)]
    return [
        Measured(name="POST /warm that starts the launch", unit="ms", figures=(first,)),
        Measured(name="POST /warm while the launch goes on", unit="ms", figures=tuple(during)),
        Measured(name="GET /warm while the launch goes on", unit="ms", figures=tuple(asked)),
        Measured(name="upload of a 4 MP JPEG while the launch goes on", unit="ms", figures=tuple(upload)),
        Measured(name="POST /warm with a machine ready", unit="ms", figures=tuple(ready)),
    ]


def _warm(cloud: Service) -> None:
    requests.post(f"{cloud.url}/warm", json={"intent": "pick"}, timeout=10).raise_for_status()


def _took(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return 1000 * (time.monotonic() - began)


if __name__ == "__main__":
    for each in measured():
        print(each.line)
