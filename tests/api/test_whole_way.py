"""The whole way of a photo through the API, with the test as its worker."""

from __future__ import annotations

from tests.api.conftest import JPEG, House


def test_a_photo_goes_in_is_told_of_and_comes_out(house: House) -> None:
    answer = house.upload()
    assert answer.status_code == 202
    accepted = answer.get_json()
    assert set(accepted) == {"id", "state", "status_url", "result_url", "owner_token", "expires_at"}
    assert answer.headers["Location"] == accepted["status_url"] == f"/status/{accepted['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    with house.ports.blobs.open(f"in/{accepted['id']}") as stored:
        assert stored.read() == JPEG
    message = house.ports.queue.receive(wait_s=0, visibility_s=1)
    assert message is not None
    assert message.body == accepted["id"]

    status = house.client.get(accepted["status_url"]).get_json()
    assert (status["state"], status["phase"], status["result"]) == ("queued", "in_line", None)

    house.finish(accepted["id"], b"\xff\xd8\xffbright")
    status = house.client.get(accepted["status_url"]).get_json()
    assert (status["state"], status["phase"], status["progress"]) == ("done", None, 1.0)
    assert status["result"] == {
        "url": accepted["result_url"],
        "width": 4000,
        "height": 3000,
        "size": 9,
        "media_type": "image/jpeg",
        "ratio": 12.5,
    }
    with house.client.get(accepted["result_url"]) as picture:
        assert picture.data == b"\xff\xd8\xffbright"
