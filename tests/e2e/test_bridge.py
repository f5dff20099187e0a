"""A cold start in the cloud's configuration: the bridge brings first light, and machines start all the same."""

import os
import re
import signal
import socket
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest
import requests

from bench.nights import night_jpeg
from bench.service import service
from jobs.clock import now_ms
from jobs.heartbeat import Heartbeat, beat
from jobs.table import SqliteTable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BOUND_S = 90
BOOT_S = 30


@pytest.fixture
def cloud():
    slowly = ("--boot-s", str(BOOT_S), "--engine", "openvino")
    quick = {"HEARTBEAT_S": 1, "LEASE_S": 10, "TICK_S": 1, "IDLE_S": 600}
    with service(command="rehearse", arguments=slowly, BRIDGE=1, **quick) as running:
        yield running


@pytest.fixture
def stand_in(cloud):
    return re.search(r"http://127\.0\.0\.1:[0-9]+", (cloud.folder / "up.log").read_text())[0]


def until(happened):
    ends = time.monotonic() + BOUND_S
    while not (seen := happened()):
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.1)
    return seen


def instances(stand_in):
    return requests.get(f"{stand_in}/stand-in/instances", timeout=60).json()


def bridges(cloud):
    return cloud.processes(running="-m worker --bridge")


def test_the_first_photo_is_bright_before_the_machine_is_ready_and_then_the_machine_works(cloud, stand_in):
    job = cloud.upload(night_jpeg(1200, 900))
    told = cloud.finished(job["id"], within_s=BOUND_S)
    assert (told["state"], told["attempts"]) == ("done", 1)
    warmth = requests.get(f"{cloud.url}/warm", timeout=60)
    assert (warmth.status_code, warmth.json()["state"]) == (202, "starting")
    assert len(instances(stand_in)) == 1  # launched although the bridge was at hand
    assert bridges(cloud)
    until(lambda: requests.get(f"{cloud.url}/warm", timeout=60).status_code == 200)
    until(lambda: not bridges(cloud))
    assert cloud.finished(cloud.upload(night_jpeg(400, 300))["id"])["state"] == "done"
    assert not bridges(cloud)
    starts = requests.get(f"{cloud.url}/metrics", timeout=60).text
    assert 'flavour="bridge",milestone="first_result"' in starts


def test_a_launch_begins_with_an_uploads_headers_and_holds_nobody(cloud, stand_in):
    requests.post(f"{stand_in}/stand-in/weather", json={"answer_ms": 20_000}, timeout=60).raise_for_status()
    photo, address = night_jpeg(800, 600), urlsplit(cloud.url)
    mark = b'--m\r\nContent-Disposition: form-data; name="image"; filename="n.jpg"\r\n\r\n'
    body = mark + photo + b"\r\n--m--\r\n"
    head = (
        f"POST /upload HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: multipart/form-data; boundary=m\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=60) as client:
        client.sendall(head.encode() + body[:2000])
        until(lambda: instances(stand_in))  # while the photo is still arriving
        began = time.monotonic()
        answer = requests.post(f"{cloud.url}/warm", json={"intent": "pick"}, timeout=18)
        assert (answer.status_code, answer.json()["phase"]) == (202, "starting_machine")
        assert time.monotonic() - began < 18  # the launch itself takes twenty seconds
        client.sendall(body[2000:])
        assert client.recv(12) == b"HTTP/1.1 202"


def test_a_photo_in_the_bridges_hands_goes_back_with_its_attempt_when_a_machine_is_ready():
    with service(FLEET="none:", BRIDGE=1) as alone:
        job = alone.upload(night_jpeg(6000, 4000))["id"]
        until(lambda: alone.status(job)["phase"] == "enhancing")
        with closing(SqliteTable(f"{alone.folder}/jobs.db")) as table:
            now = now_ms()
            beat(
                table, Heartbeat(worker="m", slot=-1, epoch=0, state="ready", started_ms=now, beat_ms=now, ready_ms=now)
            )
        until(lambda: not bridges(alone))
        told = alone.status(job)
    assert (told["state"], told["attempts"]) == ("queued", 0)


def test_nothing_of_the_bridge_runs_once_the_service_has_ended():
    with service(FLEET="none:", BRIDGE=1) as alone:
        requests.post(f"{alone.url}/warm", json={"intent": "view"}, timeout=60)
        until(lambda: bridges(alone))
        [tick] = alone.processes(running="-m cli tick")
        os.kill(tick, signal.SIGKILL)  # which ends the service, too
        until(lambda: alone.process.poll() is not None)
    assert not alone.processes(running="-m worker")
