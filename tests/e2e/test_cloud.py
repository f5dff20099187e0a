"""The cloud's configuration through real processes: uWSGI, boto3, a stand-in for AWS, and machines that run workers."""

import re
import time

import pytest
import requests

from bench.nights import night_jpeg
from bench.service import service
from tests.e2e.conftest import light, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def cloud():
    with service(command="rehearse", ALLOWED_ORIGINS=PAGE, HEARTBEAT_S=2, LEASE_S=15, TICK_S=1, IDLE_S=600) as running:
        yield running


@pytest.fixture(scope="module")
def stand_in(cloud):
    return re.search(r"http://127\.0\.0\.1:[0-9]+", (cloud.folder / "up.log").read_text())[0]


def machines(stand_in, *states):
    known = requests.get(f"{stand_in}/stand-in/instances", timeout=60).json()
    return [name for name, facts in known.items() if facts["state"] in states]


def is_bright(cloud, job_id, photo):
    answer = requests.get(f"{cloud.url}/result/{job_id}", timeout=60)
    assert answer.history[0].status_code == 302
    picture = opened(answer.content)
    assert picture.size == opened(photo).size
    return light(picture) > 2 * light(opened(photo))


def test_a_photo_goes_through_s3_sqs_and_a_machine_of_ec2(cloud, stand_in):
    photo = night_jpeg(640, 400)
    job = cloud.upload(photo)
    assert cloud.finished(job["id"])["state"] == "done"
    assert is_bright(cloud, job["id"], photo)
    assert len(machines(stand_in, "running")) == 1


def test_a_page_elsewhere_sends_straight_into_the_store_and_shows_the_result_from_there(cloud, stand_in):
    photo, origin = night_jpeg(500, 400), {"Origin": PAGE}
    ask = requests.options(
        f"{cloud.url}/upload/direct",
        headers=origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"},
        timeout=60,
    )
    assert ask.headers["Access-Control-Allow-Origin"] == PAGE
    answer = requests.post(
        f"{cloud.url}/upload/direct", json={"size": len(photo), "ratio": 9}, headers=origin, timeout=60
    )
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (201, PAGE)
    invitation = answer.json()
    form = invitation["upload"]
    assert form["url"].startswith(stand_in)
    sent = requests.post(form["url"], data=form["fields"], files={"file": photo}, headers=origin, timeout=30)
    assert (sent.status_code, sent.headers["Access-Control-Allow-Origin"]) == (201, PAGE)
    token = {"Authorization": f"Bearer {invitation['owner_token']}"}
    confirmed = requests.post(cloud.url + invitation["confirm_url"], headers=origin | token, timeout=60)
    assert confirmed.status_code == 202
    status = cloud.finished(invitation["id"])
    assert (status["state"], status["result"]["ratio"]) == ("done", 9)
    assert is_bright(cloud, invitation["id"], photo)


@pytest.mark.parametrize("notice", [True, False], ids=["announced", "unannounced"])
def test_an_interruption_loses_no_photo(cloud, stand_in, notice):
    photo = night_jpeg(4000, 3000)
    job = cloud.upload(photo)
    ends = time.monotonic() + 60
    while cloud.status(job["id"])["phase"] != "enhancing":
        assert time.monotonic() < ends, cloud.logs()
        time.sleep(0.05)
    [machine] = machines(stand_in, "running")
    order = requests.post(f"{stand_in}/stand-in/interrupt/{machine}", json={"notice": notice}, timeout=60)
    assert order.status_code == 204
    status = cloud.finished(job["id"], within_s=120)
    assert status["state"] == "done", (status, cloud.logs())
    assert is_bright(cloud, job["id"], photo)
    assert len(machines(stand_in, "pending", "running")) <= 1


def test_nothing_runs_once_it_is_ended():
    with service(command="rehearse", IDLE_S=600) as cloud:
        cloud.warm()
        assert cloud.processes(running="-m worker")
    assert not cloud.processes(running="-m worker")
    assert not cloud.processes(running="fleet.stand_in")
