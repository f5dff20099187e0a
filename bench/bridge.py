"""What the bridge brings and costs: first light while no machine comes, and an upload beside a bridge at work."""

from __future__ import annotations

import time
from contextlib import suppress

import requests

from bench.journey import first_light_s
from bench.nights import night_jpeg
from bench.passage import Measured, proportional_set_size, tree
from bench.service import Service, service

NOBODY = "none:"  # no machine ever comes
PICKED_S = 3.0  # between opening the page and sending the photo
BESIDE = 15  # uploads each way
PHOTO_S = 120.0  # longer than any photo of 12 MP takes a niced worker


def measured(*, runs: int) -> list[Measured]:
    """Seconds and megabytes. What moves with the machine's load is measured by turns."""
    photo = _jpeg(12.0)
    cold, opened, memory = [], [], []
    for _ in range(runs):
        with service(FLEET=NOBODY, BRIDGE=1) as running:
            cold.append(first_light_s(running, photo))
        with service(FLEET=NOBODY, BRIDGE=1) as running:
            requests.post(f"{running.url}/warm", json={"intent": "view"}, timeout=10)
            time.sleep(PICKED_S)
            opened.append(first_light_s(running, photo))
            memory.append(_memory(running, photo))
    alone, beside, idle = _uploads(runs)
    return [
        Measured(name="12 MP JPEG to first light, nothing running", unit="s", figures=tuple(cold)),
        Measured(name=f"the same, the page opened {PICKED_S:.0f} s before", unit="s", figures=tuple(opened)),
        Measured(name="the bridge's processes while a 12 MP photo passes", unit="MB PSS", figures=tuple(memory)),
        Measured(name="upload of a 4 MP JPEG without a bridge", unit="s", figures=tuple(alone)),
        Measured(name="the same, beside a bridge at work", unit="s", figures=tuple(beside)),
        Measured(name="the same, beside a bridge that starts", unit="s", figures=tuple(idle)),
    ]


def _memory(running: Service, photo: bytes) -> float:
    """The largest share of memory of all its processes during one photo, MB. Raises TimeoutError, RuntimeError."""
    [bridge] = running.processes(running="-m worker --bridge")
    job, peak = running.upload(photo)["id"], 0.0
    ends = time.monotonic() + PHOTO_S
    while time.monotonic() < ends:
        peak = max(peak, proportional_set_size(tree(bridge)))
        status = running.status(job)
        if status["state"] == "done":
            return peak / 1e6
        if status["state"] in ("failed", "cancelled"):
            raise RuntimeError(f"the photo was not done: {status['error']}")
        time.sleep(0.02)
    raise TimeoutError(f"the bridge did not finish its photo\n{running.logs()}")


def _uploads(runs: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of single uploads: with no bridge, with one at work, and each one's first, which starts the bridge."""
    small, large = _jpeg(4.0), _jpeg(24.0)
    alone: list[float] = []
    beside: list[float] = []
    starting: list[float] = []
    for _ in range(runs):
        with service(FLEET=NOBODY) as quiet, service(FLEET=NOBODY, BRIDGE=1) as busy:
            for running in (quiet, busy):  # the probe's first photo costs more
                _refused(running)
            starting.append(_upload(busy, small))
            sent: list[str] = []
            _working(busy, large, sent)
            for _ in range(BESIDE):
                alone.append(_upload(quiet, small))
                _working(busy, large, sent)
                beside.append(_upload(busy, small))
    return alone, beside, starting


def _working(running: Service, photo: bytes, sent: list[str]) -> None:
    """Have the bridge enhance, and another photo of `sent` wait, so that it stays at it. Raises TimeoutError."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        states = {each: running.status(each)["state"] for each in sent}
        sent[:] = [each for each in sent if states[each] in ("queued", "running")]
        if "queued" not in states.values():
            sent.append(running.upload(photo)["id"])
        elif "running" in states.values():
            return
        else:
            time.sleep(0.05)
    raise TimeoutError(f"the bridge does not work\n{running.logs()}")


def _upload(running: Service, photo: bytes) -> float:
    began = time.monotonic()
    running.upload(photo)
    return time.monotonic() - began


def _refused(running: Service) -> None:
    with suppress(requests.HTTPError):
        running.upload(b"\xff\xd8\xff\xe0 no photo", name="none.jpg")


def _jpeg(megapixels: float) -> bytes:
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    return night_jpeg(height * 4 // 3, height)
