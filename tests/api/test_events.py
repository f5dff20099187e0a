"""The status as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jobs.transitions import renew
from tests.api.conftest import House


class Events:
    """An open stream, event by event."""

    def __init__(self, house: House, job_id: str, **headers: str) -> None:
        self.answer = house.client.get(
            f"/events/{job_id}", headers={n.replace("_", "-"): v for n, v in headers.items()}
        )
        self._chunks: Iterator[bytes] = self.answer.iter_encoded()

    def next(self) -> tuple[str, Any]:
        """(id, data) of the next event; whatever is none is passed over."""
        for chunk in self._chunks:
            fields = dict(line.split(": ", 1) for line in chunk.decode().splitlines() if ": " in line)
            if "data" in fields:
                assert fields["event"] == "status"
                return fields["id"], json.loads(fields["data"])
        raise StopIteration

    def ended(self) -> bool:
        return not [chunk for chunk in self._chunks if b"data" in chunk]

    def close(self) -> None:
        self.answer.close()


def test_each_change_is_an_event_and_the_last_one_ends_the_stream(house: House) -> None:
    job_id = house.uploaded()["id"]
    events = Events(house, job_id)
    assert events.answer.mimetype == "text/event-stream"
    assert events.next()[1]["state"] == "queued"
    house.begin(job_id)
    number, told = events.next()
    assert (told["state"], told["phase"]) == ("running", "fetching")
    job = house.ports.ledger.read(job_id)
    assert job is not None
    assert number == str(job.version)
    house.fail_running(job_id)
    assert events.next()[1]["state"] == "failed"
    assert events.ended()
    events.close()


def test_progress_is_told_too(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    house.enter(job_id, "enhancing")
    events = Events(house, job_id)
    assert events.next()[1]["progress"] == 0.0
    house.change(job_id, renew, token="t", terms=house.ports.ledger.terms, progress=0.5)
    assert events.next()[1]["progress"] == 0.5
    events.close()


def test_who_comes_back_gets_the_newest_snapshot(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    events = Events(house, job_id, Last_Event_ID="1")
    assert events.next()[1]["state"] == "running"
    events.close()


def test_who_has_seen_the_end_is_told_to_stay_away(house: House) -> None:
    job_id = house.uploaded()["id"]
    job = house.finish(job_id)
    events = Events(house, job_id)
    assert events.next()[1]["state"] == "done"
    events.close()
    assert Events(house, job_id, Last_Event_ID=str(job.version)).answer.status_code == 204


def test_a_deleted_photo_ends_the_stream(house: House) -> None:
    accepted = house.uploaded()
    events = Events(house, accepted["id"])
    events.next()
    house.client.delete(f"/upload/{accepted['id']}", headers={"Authorization": f"Bearer {accepted['owner_token']}"})
    assert events.next()[1]["state"] == "cancelled"
    assert events.ended()
    events.close()


def test_the_stream_ends_when_the_service_does(house: House) -> None:
    events = Events(house, house.uploaded()["id"])
    events.next()
    house.service.watcher.close()
    assert events.ended()
    events.close()


def test_a_head_of_the_stream_holds_no_place(house: House) -> None:
    assert house.client.head(f"/events/{house.uploaded()['id']}").status_code == 200
    assert len(house.service.watcher) == 0
