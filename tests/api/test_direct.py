"""A photo straight into the store: the form, the confirmation, and everything a stranger may try between them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.api.conftest import JPEG, House
from tests.jobs.clouds import Cloud, nobody


@pytest.fixture(scope="module")
def moto() -> Iterator[Cloud]:
    cloud = Cloud("moto")
    yield cloud
    cloud.close()


@pytest.fixture
def cloudy(build: Callable[..., House], moto: Cloud, monkeypatch: pytest.MonkeyPatch) -> House:
    """The API over a bucket."""
    nobody(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.endpoint)
    return build(blobs=moto.settings().blobs, upload_limit=3, max_photo_bytes=100_000)


def invited(house: House, photo: bytes = JPEG, **wish: Any) -> dict[str, Any]:
    answer = house.client.post("/upload/direct", json={"size": len(photo), **wish})
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def bring(invitation: dict[str, Any], photo: bytes = JPEG) -> int:
    form = invitation["upload"]
    return requests.post(form["url"], data=form["fields"], files={"file": ("night.jpg", photo)}, timeout=60).status_code


def confirm(house: House, invitation: dict[str, Any], token: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token or invitation['owner_token']}"}
    return house.client.post(invitation["confirm_url"], headers=headers)


def test_a_photo_goes_straight_into_the_store_and_is_accepted(cloudy: House) -> None:
    invitation = invited(cloudy, ratio=8, format="png")
    assert bring(invitation) == 201
    answer = confirm(cloudy, invitation)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/status/{invitation['id']}"
    job = cloudy.ports.ledger.read(invitation["id"])
    assert job is not None
    assert (job.state, job.ratio, job.format, job.source_size, job.photo) == ("queued", 8, "png", len(JPEG), {})
    assert job.source_version
    message = cloudy.ports.queue.receive(wait_s=0, visibility_s=1)
    assert message is not None
    assert message.body == invitation["id"]
    assert cloudy.client.get(f"/status/{invitation['id']}").get_json()["state"] == "queued"


def test_a_confirmation_whose_answer_was_lost_may_be_repeated(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    first, second = confirm(cloudy, invitation), confirm(cloudy, invitation)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.get_json()["id"] == second.get_json()["id"]
    assert cloudy.ports.queue.depth().visible == 1


def test_before_the_photo_is_there_nothing_is_accepted(cloudy: House) -> None:
    invitation = invited(cloudy)
    answer = confirm(cloudy, invitation)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_uploaded")
    assert cloudy.client.get(f"/status/{invitation['id']}").status_code == 404


def test_another_length_than_announced_is_not_accepted(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation, JPEG + b"more")  # moto lets it pass; S3 would not
    assert confirm(cloudy, invitation).get_json()["code"] == "not_uploaded"


def test_what_is_no_photo_is_refused_and_removed(cloudy: House) -> None:
    page = b"<html>" + bytes(100)
    invitation = invited(cloudy, page)
    bring(invitation, page)
    answer = confirm(cloudy, invitation)
    assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_format")
    assert not list(cloudy.ports.blobs.keys("in/"))
    assert confirm(cloudy, invitation).status_code == 404


def test_only_who_was_invited_may_confirm(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    assert confirm(cloudy, invitation, "guessed").get_json()["code"] == "owner_token_wrong"
    assert cloudy.client.post(invitation["confirm_url"]).get_json()["code"] == "owner_token_missing"
    assert confirm(cloudy, invitation).status_code == 202
    assert confirm(cloudy, invitation, "guessed").get_json()["code"] == "owner_token_wrong"


def test_an_invitation_ends(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    cloudy.hands.now_ms += 31 * 60 * 1000
    assert confirm(cloudy, invitation).status_code == 404


def test_the_owner_may_delete_it_and_a_confirmation_does_not_bring_it_back(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    confirm(cloudy, invitation)
    headers = {"Authorization": f"Bearer {invitation['owner_token']}"}
    assert cloudy.client.delete(f"/upload/{invitation['id']}", headers=headers).status_code == 204
    assert confirm(cloudy, invitation).status_code == 404
    assert confirm(cloudy, invitation, "guessed").status_code == 404
    assert not list(cloudy.ports.blobs.keys("in/"))


def test_the_form_names_one_key_one_length_and_an_end(cloudy: House) -> None:
    invitation = invited(cloudy)
    policy = json.loads(base64.b64decode(invitation["upload"]["fields"]["policy"]))
    assert ["content-length-range", len(JPEG), len(JPEG)] in policy["conditions"]
    keys = [each["key"] for each in policy["conditions"] if isinstance(each, dict) and "key" in each]
    assert [key.endswith(f"in/{invitation['id']}") for key in keys] == [True]
    assert policy["expiration"]


def test_invitations_count_as_uploads(cloudy: House) -> None:
    for _ in range(3):
        invited(cloudy)
    answer = cloudy.client.post("/upload/direct", json={"size": 100})
    assert (answer.status_code, answer.get_json()["code"]) == (429, "rate_limited")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_size"),
        ({"size": -1}, "bad_size"),
        ({"size": "12"}, "bad_size"),
        ({"size": 1.5}, "bad_size"),
        ({"size": 10, "ratio": 0.5}, "bad_ratio"),
        ({"size": 10, "ratio": True}, "bad_ratio"),
        ({"size": 10, "format": "gif"}, "bad_format"),
        ([], "malformed_request"),
        ({"size": 100_001}, "photo_too_large"),
    ],
)
def test_bad_wishes_are_refused_by_name(cloudy: House, body: Any, code: str) -> None:
    assert cloudy.client.post("/upload/direct", json=body).get_json()["code"] == code


def test_a_laptop_says_where_to_send_it_instead(house: House) -> None:
    answer = house.client.post("/upload/direct", json={"size": 100})
    assert (answer.status_code, answer.get_json()["code"]) == (404, "no_direct_upload")
    assert "/upload" in answer.get_json()["cure"]


def test_a_photo_nobody_has_read_cannot_be_sent_again(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    confirm(cloudy, invitation)
    answer = cloudy.client.post(
        "/upload", data={"again": invitation["id"]}, content_type="multipart/form-data; boundary=x"
    )
    assert answer.get_json()["code"] == "not_ready"


def test_the_page_may_show_what_lies_in_the_store_and_nothing_else_from_there(cloudy: House, moto: Cloud) -> None:
    policy = cloudy.client.get("/").headers["Content-Security-Policy"]
    rules = {name: set(sources) for name, *sources in (rule.split() for rule in policy.split(";"))}
    assert rules["connect-src"] == {"'self'", moto.endpoint}
    assert rules["img-src"] == {"'self'", "blob:", moto.endpoint}
    assert rules["script-src"] == {"'self'"}


def test_a_result_is_a_short_lived_link_into_the_store(cloudy: House) -> None:
    invitation = invited(cloudy)
    bring(invitation)
    confirm(cloudy, invitation)
    cloudy.finish(invitation["id"])
    answer = cloudy.client.get(f"/result/{invitation['id']}")
    assert answer.status_code == 302
    assert "X-Amz-Expires=300" in answer.headers["Location"]
    picture = requests.get(answer.headers["Location"], timeout=60)
    assert picture.content == b"\xff\xd8\xffbright"
    assert picture.headers["Content-Disposition"] == f'attachment; filename="firstlight-{invitation["id"][:8]}.jpg"'


def test_the_original_is_such_a_link_too(cloudy: House) -> None:
    accepted = cloudy.uploaded()
    answer = cloudy.client.get(f"/photo/{accepted['id']}/original")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (302, "no-store")
    assert "X-Amz-Expires=300" in answer.headers["Location"]
    photo = requests.get(answer.headers["Location"], timeout=60)
    assert (photo.content, photo.headers["Content-Type"]) == (JPEG, "image/jpeg")
    assert photo.headers["Content-Disposition"].endswith(f'"firstlight-{accepted["id"][:8]}-original.jpg"')
