"""What a photo asks of AWS, counted on its whole way: upload, waiting, work, download."""

from __future__ import annotations

import io
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from PIL import Image

from api.app import create_app
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from fleet.tick import tick_once
from jobs.settings import Settings
from photos.codec import Codec
from tests.jobs.calls import CallCounter
from tests.jobs.clouds import Cloud, nobody
from tests.jobs.workers import BOUND_S, eventually, photo, watched, worker

PUT, GET = ("PutObject", "CopyObject"), ("GetObject", "HeadObject", "ListObjectsV2")


@dataclass
class Way:
    """Who asked what while a photo went its way: the API up to the result's link, the polls, the worker, the tick."""

    upload: CallCounter = field(default_factory=CallCounter)
    polls: CallCounter = field(default_factory=CallCounter)
    download: CallCounter = field(default_factory=CallCounter)
    worker: CallCounter = field(default_factory=CallCounter)
    after_the_worker: CallCounter = field(default_factory=CallCounter)
    idle_tick: CallCounter = field(default_factory=CallCounter)
    picture: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def way(clouds: Callable[[str], Cloud], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    moto = clouds("moto")
    with pytest.MonkeyPatch.context() as patch, Codec(sandbox="auto") as codec:
        nobody(patch)
        patch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
        moto.order(shift=0, faults=[])
        spool = tmp_path_factory.mktemp("spool")
        settings = replace(moto.settings(), spool=str(spool), fleet="none:")
        yield walked(settings, codec)


def walked(settings: Settings, codec: Codec) -> Way:
    way = Way()
    ports, counters = watched(settings)
    launcher = Launcher(ports, settings, open_fleet(settings, ports))
    client = create_app(settings, ports=ports, launcher=launcher, codec=codec).test_client()

    counters.append(way.upload)
    answer = client.post("/upload", data={"image": (io.BytesIO(photo()), "night.jpg")})
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.get_json()

    counters.append(way.polls)
    for _ in range(5):
        assert client.get(told["status_url"]).get_json()["state"] == "queued"
    assert client.get(told["status_url"] + "?wait=1").get_json()["state"] == "queued"
    own, working = watched(settings)
    working.append(way.worker)
    with worker(settings, own, codec):
        eventually(lambda: client.get(told["status_url"]).get_json()["state"] == "done")

    working.append(way.after_the_worker)
    counters.append(way.download)
    answer = client.get(told["result_url"])
    assert answer.status_code == 302, answer.text
    with urllib.request.urlopen(answer.headers["Location"], timeout=BOUND_S) as picture:
        way.download.heard("s3", "GetObject")
        way.picture, way.headers = picture.read(), {name.lower(): value for name, value in picture.headers.items()}

    counters.append(way.idle_tick)
    tick_once(ports, launcher)
    return way


def test_the_picture_came_bright_by_a_link_that_names_it(way: Way) -> None:
    bright = Image.open(io.BytesIO(way.picture)).convert("L")
    assert bright.getpixel((20, 20)) > 70
    assert way.headers["content-type"] == "image/jpeg"
    assert way.headers["content-disposition"].startswith('attachment; filename="firstlight-')


def test_a_photo_costs_two_puts_and_two_gets_the_download_included(way: Way) -> None:
    counters = (way.upload, way.polls, way.worker, way.download)
    assert sum(counter.times("s3", *PUT) for counter in counters) == 2
    assert sum(counter.times("s3", *GET) for counter in counters) == 2
    assert sum(counter.times("s3") for counter in counters) == 4


def test_a_poll_asks_nothing_of_s3_and_sqs(way: Way) -> None:
    assert way.polls.times("s3") == 0
    assert way.polls.times("sqs") == 0
    assert way.polls.times("dynamodb") > 0


def test_only_a_worker_receives_and_only_while_it_lives(way: Way) -> None:
    api = (way.upload, way.polls, way.download, way.idle_tick)
    assert sum(counter.times("sqs", "ReceiveMessage") for counter in api) == 0
    assert way.worker.times("sqs", "ReceiveMessage") > 0
    assert way.after_the_worker.calls() == {}


def test_a_photo_is_one_message_sent_and_one_deleted(way: Way) -> None:
    assert way.upload.times("sqs") == way.upload.times("sqs", "SendMessage") == 1
    assert way.worker.times("sqs", "DeleteMessage") == 1


def test_nothing_scans_the_table(way: Way) -> None:
    for counter in (way.upload, way.polls, way.worker, way.download, way.idle_tick):
        assert counter.times("dynamodb", "Scan") == 0


def test_a_worker_writes_its_five_reports_without_reading_the_row_that_it_wrote_last(way: Way) -> None:
    reads, writes = way.worker.times("dynamodb", "GetItem"), way.worker.times("dynamodb", "UpdateItem")
    assert reads <= writes - 5


def test_an_idle_tick_asks_little_of_the_table_and_nothing_else(way: Way) -> None:
    assert way.idle_tick.times("s3") == way.idle_tick.times("sqs") == 0
    assert way.idle_tick.times("dynamodb") <= 8
    assert way.idle_tick.times("dynamodb", "UpdateItem") == 0
