"""An operator's evening beside the cloud's configuration: send, look, be examined, end; all through the program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
import requests

from bench.nights import night_jpeg
from bench.service import service
from tests.e2e.conftest import light, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TERMS = {"IDLE_S": "90", "IDLE_MOST_S": "600", "WARM_BUDGET": "20", "DOLLAR_BUDGET": "5", "UPLOAD_LIMIT": "30"}


@pytest.fixture(scope="module")
def cloud():
    with service(command="rehearse", HEARTBEAT_S=2, LEASE_S=15, TICK_S=1, **TERMS) as running:
        yield running


@pytest.fixture
def firstlight(cloud):
    """Runs a command of the program as the operator would, with what `rehearse` said of its stores."""
    said = (cloud.folder / "up.log").read_text()
    stores = dict(re.findall(r"^  ([A-Z]+)=(\S+)$", said, re.MULTILINE))
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
    endpoint = {"AWS_ENDPOINT_URL": re.search(r"http://127\.0\.0\.1:[0-9]+", said)[0]}
    environ = {**os.environ, **keys, **endpoint, **stores, **TERMS, "HEARTBEAT_S": "2", "LEASE_S": "15"}
    environ |= {"SPOOL": str(cloud.folder / "spool"), "AWS_EC2_METADATA_DISABLED": "true"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cli", *words]
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_photos_are_sent_looked_after_and_brought_back(cloud, firstlight, tmp_path):
    photos = [tmp_path / f"night{number}.jpg" for number in range(2)]
    for number, photo in enumerate(photos):
        photo.write_bytes(night_jpeg(640, 400 + number))
    sent = firstlight("send", "--url", cloud.url, *map(str, photos))
    assert sent.returncode == 0, (sent.stderr, cloud.logs())
    for photo in photos:
        bright = photo.with_name(f"{photo.stem}-bright.jpg").read_bytes()
        assert light(opened(bright)) > 2 * light(opened(photo.read_bytes()))
    jobs = json.loads(firstlight("jobs", "list", "--json").stdout)
    assert [job["state"] for job in jobs] == ["done", "done"]
    shown = firstlight("jobs", "show", jobs[0]["id"][:8])
    assert jobs[0]["result"] in shown.stdout
    (machine,) = json.loads(firstlight("machines", "list", "--json").stdout)
    assert (machine["slot"], machine["market"], machine["state"] in ("ready", "busy")) == (0, "spot", True)
    assert machine["type"]


def test_the_page_of_a_rehearsal_may_send_into_its_bucket(cloud):
    """By the bucket's own rules: the stand-in itself lets every origin in."""
    form = requests.post(f"{cloud.url}/upload/direct", json={"size": 100}, timeout=30).json()["upload"]
    rules = requests.get(form["url"], params="cors", timeout=30).text
    assert f"<AllowedOrigin>{cloud.url}</AllowedOrigin>" in rules


def test_the_doctor_finds_nothing_in_a_healthy_cloud_and_then_the_machine_is_ended(firstlight):
    report = json.loads(firstlight("doctor", "--json").stdout)
    assert [each for each in report["findings"] if each["code"] != "sandbox_incomplete"] == []
    assert report["left_out"] == {}
    assert firstlight("machines", "stop", "--all").returncode == 0
    assert json.loads(firstlight("machines", "list", "--json").stdout) == []
