"""The bright picture on its way out, and deleting it."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.api.conftest import House

PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 8
ETAG = f'"{hashlib.sha256(PICTURE).hexdigest()}"'


@pytest.fixture
def done(house: House) -> dict[str, Any]:
    accepted = house.uploaded()
    house.finish(accepted["id"], PICTURE)
    return accepted


def picture(house: House, accepted: dict[str, Any], **headers: str) -> Any:
    with house.client.get(
        accepted["result_url"], headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        answer.get_data()
        return answer


def test_the_picture_comes_whole_named_and_never_guessed(house: House, done: dict[str, Any]) -> None:
    answer = picture(house, done)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, PICTURE, "image/jpeg")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="firstlight-{done["id"][:8]}.jpg"'
    assert answer.headers["ETag"] == ETAG
    assert answer.headers["Content-Length"] == str(len(PICTURE))
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_head_tells_the_same_without_the_picture(house: House, done: dict[str, Any]) -> None:
    with house.client.head(done["result_url"]) as answer:
        assert (answer.status_code, answer.data) == (200, b"")
    assert (answer.headers["ETag"], answer.headers["Content-Length"]) == (ETAG, str(len(PICTURE)))


def test_who_has_the_picture_need_not_fetch_it_again(house: House, done: dict[str, Any]) -> None:
    answer = picture(house, done, If_None_Match=ETAG)
    assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-9", 0, 9), ("bytes=10-", 10, len(PICTURE) - 1), ("bytes=-5", len(PICTURE) - 5, len(PICTURE) - 1)],
)
def test_a_range_of_the_picture(house: House, done: dict[str, Any], asked: str, first: int, last: int) -> None:
    answer = picture(house, done, Range=asked)
    assert answer.status_code == 206
    assert answer.data == PICTURE[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(PICTURE)}"


def test_a_range_of_another_picture_is_answered_with_the_whole_one(house: House, done: dict[str, Any]) -> None:
    assert picture(house, done, Range="bytes=0-9", If_Range='"another"').data == PICTURE
    assert picture(house, done, Range="bytes=0-9", If_Range=ETAG).data == PICTURE[:10]


@pytest.mark.parametrize("asked", ["bytes=0-1,4-5", "lines=1-2", "bytes=x"])
def test_what_is_no_single_range_of_bytes_is_answered_with_the_whole_picture(
    house: House, done: dict[str, Any], asked: str
) -> None:
    answer = picture(house, done, Range=asked)
    assert (answer.status_code, answer.data) == (200, PICTURE)


def test_a_suffix_longer_than_the_picture_is_all_of_it(house: House, done: dict[str, Any]) -> None:
    answer = picture(house, done, Range="bytes=-99999")
    assert (answer.status_code, answer.data) == (200, PICTURE)


def test_who_has_the_picture_needs_no_range_of_it_either(house: House, done: dict[str, Any]) -> None:
    assert picture(house, done, Range="bytes=0-9", If_None_Match=ETAG).status_code == 304
    assert picture(house, done, Range="bytes=0-9", If_Range=f"W/{ETAG}").data == PICTURE


def test_a_range_outside_the_picture_is_refused(house: House, done: dict[str, Any]) -> None:
    answer = picture(house, done, Range="bytes=99999-")
    assert (answer.status_code, answer.mimetype) == (416, "application/problem+json")
    assert answer.get_json()["code"] == "range_not_satisfiable"
    assert answer.headers["Content-Range"] == f"bytes */{len(PICTURE)}"


def test_a_picture_that_is_not_ready_says_so(house: House) -> None:
    accepted = house.uploaded()
    answer = house.client.get(accepted["result_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_ready")
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_failed_photo_has_no_picture_and_says_why(house: House) -> None:
    accepted = house.uploaded()
    house.fail(accepted["id"], "photo_too_slow")
    answer = house.client.get(accepted["result_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "no_result")
    assert "too long" in answer.get_json()["detail"]


def test_a_picture_that_vanished_is_not_found(house: House, done: dict[str, Any]) -> None:
    house.ports.blobs.delete(f"out/{done['id']}/t")
    assert house.client.get(done["result_url"]).status_code == 404


def test_where_the_store_has_links_the_client_is_sent_there(house: House, done: dict[str, Any]) -> None:
    class Linked:
        def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str:
            return f"https://bucket.example/{key}?for={seconds}&as={filename}&type={media_type}"

    object.__setattr__(house.service.ports, "blobs", Linked())
    answer = house.client.get(done["result_url"])
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"https://bucket.example/out/{done['id']}/t?for=300&as=firstlight-")
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_owner_deletes_photo_and_picture(house: House, done: dict[str, Any]) -> None:
    owner = {"Authorization": f"Bearer {done['owner_token']}"}
    assert house.client.delete(f"/upload/{done['id']}", headers=owner).status_code == 204
    assert house.client.get(done["result_url"]).status_code == 404
    assert house.client.delete(f"/upload/{done['id']}", headers=owner).status_code == 404
    assert list(house.ports.blobs.keys("in/")) == list(house.ports.blobs.keys("out/")) == []


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "owner_token_missing"),
        ("Basic abc", "owner_token_missing"),
        ("Bearer ", "owner_token_missing"),
        ("Bearer wrong", "owner_token_wrong"),
        ("Bearer ÄÖÜ", "owner_token_wrong"),
    ],
)
def test_nobody_else_deletes(house: House, done: dict[str, Any], authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = house.client.delete(f"/upload/{done['id']}", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert picture(house, done).data == PICTURE


def test_a_cookie_deletes_nothing(house: House, done: dict[str, Any]) -> None:
    cookie = {"Cookie": f"owner_token={done['owner_token']}"}
    assert house.client.delete(f"/upload/{done['id']}", headers=cookie).status_code == 401
