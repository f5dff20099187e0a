"""What only S3 has to care for: lost answers, connections that break, links, and what a read costs."""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from jobs.blobs import S3Blobs
from jobs.clients import TRIES, Clients, PermissionMissing
from jobs.errors import BlobExists, BlobNotFound, StoreBusy
from tests.jobs.calls import CallCounter
from tests.jobs.clouds import BUCKET, Cloud

PHOTO = bytes(range(256)) * 8000  # 2 MB, more than a reader holds


@pytest.fixture
def counter() -> CallCounter:
    return CallCounter()


@pytest.fixture
def blobs(moto: Cloud, counter: CallCounter, no_pauses: None) -> S3Blobs:
    moto.settings()
    return S3Blobs(BUCKET, f"test/{time.monotonic_ns()}", Clients(heard=counter.heard))


def lost(action: str, does: str = "lost", times: int = 1) -> dict[str, object]:
    return {"action": action, "does": does, "times": times}


def content(blobs: S3Blobs, key: str) -> bytes:
    with blobs.open(key) as file:
        return file.read()


@pytest.mark.parametrize("does", ["503", "lost", "deaf"])
def test_a_put_that_went_wrong_on_its_way_is_sent_again_from_its_own_begin(
    blobs: S3Blobs, moto: Cloud, does: str
) -> None:
    source = io.BytesIO(b"head" + PHOTO)
    source.seek(4)
    moto.order(faults=[lost("PUT", does)])
    assert blobs.put("in/a", source).size == len(PHOTO)
    assert content(blobs, "in/a") == PHOTO


def test_a_put_if_absent_whose_answer_was_lost_knows_its_own_bytes(blobs: S3Blobs, moto: Cloud) -> None:
    moto.order(faults=[lost("PUT")])
    assert blobs.put("out/a/t", io.BytesIO(PHOTO), if_absent=True).size == len(PHOTO)
    with pytest.raises(BlobExists):
        blobs.put("out/a/t", io.BytesIO(b"other"), if_absent=True)
    assert content(blobs, "out/a/t") == PHOTO


def test_a_copy_is_known_by_the_same_digest(blobs: S3Blobs) -> None:
    blobs.put("in/a", io.BytesIO(PHOTO))
    blobs.copy("in/a", "in/b")
    assert blobs.put("in/b", io.BytesIO(PHOTO), if_absent=True).size == len(PHOTO)


def test_a_store_that_stays_away_is_busy_after_so_many_tries(blobs: S3Blobs, moto: Cloud, counter: CallCounter) -> None:
    moto.order(faults=[lost("PUT", "503", times=100)])
    with pytest.raises(StoreBusy):
        blobs.put("in/a", io.BytesIO(b"photo"))
    assert counter.times("s3", "PutObject") == TRIES


def test_reading_in_order_is_one_request_and_a_leap_one_more(blobs: S3Blobs, counter: CallCounter) -> None:
    blobs.put("in/a", io.BytesIO(PHOTO))
    with blobs.open("in/a") as file:
        assert file.read() == PHOTO
        assert counter.times("s3", "GetObject") == 1
        file.seek(-5, io.SEEK_END)
        assert file.read() == PHOTO[-5:]
        assert counter.times("s3") == 3  # one PUT, two GETs: the length is known


def test_a_read_goes_on_where_its_connection_broke(blobs: S3Blobs, moto: Cloud, counter: CallCounter) -> None:
    blobs.put("in/a", io.BytesIO(PHOTO))
    moto.order(faults=[lost("GET", "half", times=2)])
    assert content(blobs, "in/a") == PHOTO
    assert counter.times("s3", "GetObject") == 3


def test_a_read_never_mixes_two_versions(blobs: S3Blobs, moto: Cloud) -> None:
    blobs.put("in/a", io.BytesIO(PHOTO))
    moto.order(faults=[lost("GET", "half")])
    with blobs.open("in/a") as file:
        blobs.put("in/a", io.BytesIO(PHOTO[::-1]))
        with pytest.raises(BlobNotFound):
            file.read()


def test_a_read_that_breaks_again_and_again_is_given_up(blobs: S3Blobs, moto: Cloud) -> None:
    blobs.put("in/a", io.BytesIO(PHOTO))
    with blobs.open("in/a") as file:
        file.seek(1_500_000)
        moto.order(faults=[lost("GET", "503", times=1000)])
        with pytest.raises(StoreBusy):
            file.read()


def test_what_is_gone_is_missing_also_to_whom_s3_denies_it_for_want_of_the_right_to_list(
    blobs: S3Blobs, moto: Cloud
) -> None:
    blobs.put("in/ab", io.BytesIO(PHOTO))
    moto.order(faults=[lost("GET", "403")])
    with pytest.raises(BlobNotFound, match="in/a"):
        blobs.open("in/a")


@pytest.mark.parametrize("denied", [1, 2])
def test_what_is_there_or_may_be_and_cannot_be_read_is_a_missing_permission(
    blobs: S3Blobs, moto: Cloud, denied: int
) -> None:
    """Denied once: the photo, and the list tells that it is there. Twice: that, too, may not be asked."""
    if denied == 1:
        blobs.put("in/a", io.BytesIO(PHOTO))
    moto.order(faults=[lost("GET", "403", times=denied)])
    with pytest.raises(PermissionMissing, match="see the policies in deploy/"):
        blobs.open("in/a")


def test_a_link_gives_name_and_type_and_ranges_and_asks_nothing(blobs: S3Blobs, counter: CallCounter) -> None:
    blobs.put("out/a/t", io.BytesIO(b"0123456789"))
    counter.reset()
    url = blobs.link("out/a/t", seconds=60, filename="firstlight-0123abcd.jpg", media_type="image/jpeg")
    assert counter.calls() == {}
    asked = urllib.request.Request(url, headers={"Range": "bytes=2-4"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert (answer.status, answer.read()) == (206, b"234")
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="firstlight-0123abcd.jpg"'


@pytest.mark.slow  # the fake that checks signatures
def test_a_link_reads_one_blob_for_its_time_and_nothing_else(
    clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = clouds("ministack")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    cloud.settings()
    blobs = S3Blobs(BUCKET, "links", cloud.clients)
    for key in ("out/a/t", "out/b/t"):
        blobs.put(key, io.BytesIO(b"picture"))
    url = blobs.link("out/a/t", seconds=60, filename="a.jpg", media_type="image/jpeg")
    assert url is not None

    def status(url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code

    assert status(url) == 200
    assert status(url.replace("/out/a/", "/out/b/")) == 403
    assert status(url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")) == 403
    short = blobs.link("out/a/t", seconds=1, filename="a.jpg", media_type="image/jpeg")
    assert short is not None
    ends = time.monotonic() + 20
    while status(short) == 200:
        assert time.monotonic() < ends, "the link never expired"
        time.sleep(0.1)


@pytest.mark.slow  # a thousand PUTs
def test_keys_beyond_the_first_page_are_listed(clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = clouds("ministack")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint)
    cloud.settings()
    blobs = S3Blobs(BUCKET, "pages", cloud.clients)
    wanted = {f"in/{number}" for number in range(1005)}
    for key in wanted:
        blobs.put(key, io.BytesIO(b"x"))
    assert set(blobs.keys("in/")) == wanted
