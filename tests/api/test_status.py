"""How a photo stands: what is told, when a waiter hears of it, and what stays hidden."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

import pytest

from api.watcher import Watcher
from fleet.outlook import Outlook
from jobs.errors import FAULTS
from jobs.transitions import renew
from jobs.usual import record
from tests.api.conftest import START_MS, House

KEYS = {
    "id",
    "state",
    "phase",
    "phase_seconds",
    "usual_seconds",
    "slower_than_usual",
    "eta_seconds",
    "progress",
    "attempts",
    "queue_position",
    "result",
    "error",
    "created_at",
    "started_at",
    "ended_at",
    "expires_at",
}
NEVER = "00000000-0000-4000-8000-000000000000"


def status(house: House, job_id: str, **headers: str) -> Any:
    return house.client.get(f"/status/{job_id}", headers={n.replace("_", "-"): v for n, v in headers.items()})


@contextmanager
def waiting(house: House, address: str, **headers: str) -> Iterator[Future[Any]]:
    """A client that is held at this address; entered once its place is taken."""
    with ThreadPoolExecutor(1) as pool:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = pool.submit(lambda: house.app.test_client().get(address, headers=named))
        pause, tries = Event(), 0
        while not len(house.service.watcher) and not answer.done():
            pause.wait(0.005)
            assert (tries := tries + 1) < 2000, "the client never took its place"
        yield answer


def test_a_waiting_photo_is_told_with_all_that_is_known(house: House) -> None:
    accepted = house.uploaded()
    house.hands.now_ms += 2500
    answer = status(house, accepted["id"])
    told = answer.get_json()
    assert set(told) == KEYS
    assert told == {
        "id": accepted["id"],
        "state": "queued",
        "phase": "in_line",
        "phase_seconds": 2.5,
        "usual_seconds": None,
        "slower_than_usual": False,
        "eta_seconds": None,
        "progress": 0.0,
        "attempts": 0,
        "queue_position": 0,
        "result": None,
        "error": None,
        "created_at": "2027-01-15T08:00:00.000Z",
        "started_at": None,
        "ended_at": None,
        "expires_at": accepted["expires_at"],
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_photo_under_work_tells_phase_progress_and_attempts(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    house.enter(job_id, "enhancing")
    house.change(job_id, renew, token="t", terms=house.ports.ledger.terms, progress=0.25)
    house.hands.now_ms += 1000
    told = status(house, job_id).get_json()
    assert (told["state"], told["phase"], told["phase_seconds"], told["progress"]) == (
        "running",
        "enhancing",
        1.0,
        0.25,
    )
    assert (told["attempts"], told["queue_position"]) == (1, None)
    assert told["started_at"] == "2027-01-15T08:00:00.000Z"


def test_a_failed_photo_says_why_and_what_to_do(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.fail(job_id, "photo_too_slow", "80 scans.")
    answer = status(house, job_id)
    told = answer.get_json()
    fault = FAULTS["photo_too_slow"]
    assert told["state"] == "failed"
    assert told["error"] == {"code": fault.code, "title": fault.title, "detail": "80 scans.", "cure": fault.cure}
    assert told["ended_at"] is not None
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize(
    ("phase", "state"),
    [
        ("waiting_for_capacity", "none"),
        ("machine_failing", "none"),
        ("no_worker", "none"),
        ("starting_machine", "starting"),
        ("loading_model", "starting"),
        ("in_line", "ready"),
    ],
)
def test_a_waiting_photo_tells_what_the_machines_keep_it_for(house: House, phase: Any, state: Any) -> None:
    job_id = house.uploaded()["id"]
    house.hands.now_ms += 9000
    house.hands.outlook = Outlook(state=state, phase=phase, since_ms=START_MS + 4000)
    told = status(house, job_id).get_json()
    assert (told["state"], told["phase"], told["phase_seconds"]) == ("queued", phase, 5.0)


def test_while_the_machines_cannot_be_seen_the_rows_own_phase_is_told(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.hands.blind = True
    assert status(house, job_id).get_json()["phase"] == "in_line"


def test_the_estimate_comes_from_measured_phases_and_the_line_before(house: House) -> None:
    record(
        house.ports.table,
        {"fetching": 1.0, "decoding": 12.0, "enhancing": 24.0, "encoding": 12.0, "storing": 1.0},
        flavour="cpu",
        megapixels=12.0,
    )
    first, second = house.uploaded()["id"], None
    house.hands.now_ms += 1
    second = house.uploaded()["id"]
    assert status(house, first).get_json()["eta_seconds"] == 50.0
    told = status(house, second).get_json()
    assert (told["queue_position"], told["eta_seconds"]) == (1, 100.0)
    assert status(house, first).headers["Retry-After"] == "15"
    house.begin(first)
    house.enter(first, "storing")
    assert status(house, first).headers["Retry-After"] == "1"


def test_each_phase_tells_how_long_it_usually_takes_for_such_a_photo(house: House) -> None:
    record(house.ports.table, {"decoding": 12.0, "storing": 1.5}, flavour="cpu", megapixels=6.0)
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    house.enter(job_id, "decoding")
    assert status(house, job_id).get_json()["usual_seconds"] == 24.0  # twice the pixels
    house.enter(job_id, "storing")
    assert status(house, job_id).get_json()["usual_seconds"] == 1.5
    house.finish_running(job_id)
    assert status(house, job_id).get_json()["usual_seconds"] is None


def test_a_phase_that_outlasts_nine_in_ten_is_called_slower_than_usual(house: House) -> None:
    for seconds in (1.0, 1.0, 1.0, 2.0, 2.0):
        record(house.ports.table, {"storing": seconds}, flavour="cpu")
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    house.enter(job_id, "storing")
    for more_ms, slower, left_s in ((500, False, 0.5), (1000, False, 0.5), (1000, True, 0.0)):
        house.hands.now_ms += more_ms
        told = status(house, job_id).get_json()
        assert (told["slower_than_usual"], told["eta_seconds"]) == (slower, left_s)


def test_a_photo_in_the_bridges_line_is_told_the_sooner_of_two_ways(house: House) -> None:
    work = {"fetching": 0.5, "decoding": 12.0, "enhancing": 12.0, "encoding": 12.0, "storing": 0.5}
    record(house.ports.table, work, flavour="bridge", megapixels=12)
    record(house.ports.table, work | {"starting_machine": 9.0, "loading_model": 1.0}, flavour="gpu", megapixels=120)
    house.hands.outlook = Outlook(
        state="starting", phase="starting_machine", since_ms=START_MS, bridged_ms=START_MS - 9000
    )
    first, second = house.uploaded()["id"], house.uploaded()["id"]
    told = status(house, second).get_json()
    assert (told["phase"], told["queue_position"]) == ("in_line", 0)
    assert told["eta_seconds"] == pytest.approx(9 + 1 + 4.6, abs=0.1)  # the machine; through the bridge it is 37 s
    house.begin(first, holder="bridge-1")
    house.enter(first, "storing")
    assert status(house, first).get_json()["usual_seconds"] == 0.5


@pytest.mark.parametrize("wait", ["-1", "21", "100", "1.5", "x", "٣", "+5"])
def test_a_wait_out_of_range_is_refused(house: House, wait: str) -> None:
    answer = house.client.get(f"/status/{house.uploaded()['id']}?wait={wait}")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_wait")


def test_a_waiter_hears_of_a_change_of_state(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.begin(job_id)
    with waiting(house, f"/status/{job_id}?wait=20") as answer:
        house.finish_running(job_id)
        assert answer.result(timeout=10).get_json()["state"] == "done"


def test_a_waiter_hears_that_the_machines_moved_on(house: House) -> None:
    house.hands.outlook = Outlook(state="starting", phase="starting_machine")
    job_id = house.uploaded()["id"]
    with waiting(house, f"/status/{job_id}?wait=20") as answer:
        house.hands.outlook = Outlook(state="starting", phase="loading_model")
        assert answer.result(timeout=10).get_json()["phase"] == "loading_model"


def test_a_waiter_hears_of_nothing_new_in_the_end(house: House) -> None:
    job_id = house.uploaded()["id"]
    answer = house.client.get(f"/status/{job_id}?wait=1")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "queued")
    answer = house.client.get(f"/status/{job_id}?wait=1", headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_waiter_hears_that_the_photo_was_cancelled_and_later_callers_that_there_is_none(house: House) -> None:
    accepted = house.uploaded()
    with waiting(house, accepted["status_url"] + "?wait=20") as answer:
        token = {"Authorization": f"Bearer {accepted['owner_token']}"}
        assert house.client.delete(f"/upload/{accepted['id']}", headers=token).status_code == 204
        assert answer.result(timeout=10).get_json()["state"] == "cancelled"
    assert status(house, accepted["id"]).status_code == 404


def test_a_finished_photo_keeps_nobody_waiting(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.finish(job_id)
    etag = status(house, job_id).headers["ETag"]
    assert house.client.get(f"/status/{job_id}?wait=20").get_json()["state"] == "done"
    assert house.client.get(f"/status/{job_id}?wait=20", headers={"If-None-Match": etag}).status_code == 304


def test_a_waiter_who_knows_an_older_state_is_answered_at_once(house: House) -> None:
    job_id = house.uploaded()["id"]
    before = status(house, job_id).headers["ETag"]
    house.begin(job_id)
    answer = house.client.get(f"/status/{job_id}?wait=20", headers={"If-None-Match": before})
    assert (answer.status_code, answer.get_json()["state"]) == (200, "running")
    assert answer.headers["ETag"] != before


def test_waiters_beyond_the_places_are_answered_at_once(build: Any) -> None:
    house = build()
    house.service.watcher._places = 0
    job_id = house.uploaded()["id"]
    assert house.client.get(f"/status/{job_id}?wait=20").get_json()["state"] == "queued"


def test_one_visitor_cannot_take_the_places_of_all(build: Any) -> None:
    """Where uploads are limited, so are waits: a photo's address is enough to open a thousand."""
    house = build(upload_limit=30, trusted_proxies=1)
    job = house.ports.ledger.read(house.uploaded()["id"])
    watcher = house.service.watcher
    with ExitStack() as held:
        mine = [held.enter_context(watcher.watching(job, visitor="192.0.2.1")) for _ in range(101)]
        assert [watch is None for watch in mine] == [False] * 100 + [True]
        at_once = house.client.get(f"/status/{job.id}?wait=20", headers={"X-Forwarded-For": "192.0.2.1"})
        assert at_once.get_json()["state"] == "queued"
        assert held.enter_context(watcher.watching(job, visitor="192.0.2.2")) is not None
    with watcher.watching(job, visitor="192.0.2.1") as again:
        assert again is not None


def test_waiters_are_let_go_when_the_service_ends(house: House) -> None:
    job_id = house.uploaded()["id"]
    with waiting(house, f"/status/{job_id}?wait=20") as answer:
        house.service.watcher.close()
        assert answer.result(timeout=10).status_code == 200
    assert house.client.get(f"/status/{job_id}?wait=20").status_code == 200


def test_the_watcher_reads_once_for_all_and_rests_when_nobody_waits(house: House) -> None:
    readings: list[int] = []

    class Counting:
        def read_many(self, job_ids: Any) -> Any:
            ids = list(job_ids)
            readings.append(len(ids))
            return house.ports.ledger.read_many(ids)

    watcher = Watcher(Counting(), places=1000)  # type: ignore[arg-type]
    jobs = [house.ports.ledger.read(house.uploaded()["id"]) for _ in range(3)]
    assert jobs[0] is not None
    with watcher.watching(jobs[0], visitor="a") as first, watcher.watching(jobs[0], visitor="a") as second:
        assert first is not None
        assert second is not None
        assert first.until(lambda job: job is not None, 10)
        assert second.until(lambda job: job is not None, 10)
        assert set(readings) == {1}
    watcher.close()


@pytest.mark.parametrize("job_id", [NEVER, "x", "..%2f..%2fetc", "00000000-0000-1000-8000-000000000000", "ÄÖÜ", "%00"])
def test_what_was_never_issued_is_not_found(house: House, job_id: str) -> None:
    for address in (f"/status/{job_id}", f"/status/{job_id}?wait=20", f"/events/{job_id}", f"/result/{job_id}"):
        assert house.client.get(address).status_code == 404
    assert house.client.delete(f"/upload/{job_id}", headers={"Authorization": "Bearer x"}).status_code == 404


def test_expired_deleted_and_never_issued_look_the_same(house: House) -> None:
    expired, deleted = house.uploaded(), house.uploaded()
    house.finish(expired["id"])
    house.client.delete(f"/upload/{deleted['id']}", headers={"Authorization": f"Bearer {deleted['owner_token']}"})
    house.hands.now_ms += int(house.settings.keep_s * 1000)
    for place in ("status", "events", "result", "photo"):
        answers = [house.client.get(f"/{place}/{each}") for each in (expired["id"], deleted["id"], NEVER)]
        assert {answer.status_code for answer in answers} == {404}
        assert len({answer.data for answer in answers}) == 1
        assert len({str(answer.headers) for answer in answers}) == 1


def test_polling_never_touches_the_blobs(house: House) -> None:
    class Untouchable:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"blobs.{name} was used")

    job_id = house.uploaded()["id"]
    house.finish(job_id)
    object.__setattr__(house.service.ports, "blobs", Untouchable())
    assert status(house, job_id).status_code == 200
    assert b'"done"' in house.client.get(f"/events/{job_id}").data


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_of_the_watcher_lets_the_waiters_go_and_is_got_over(house: House) -> None:
    class Broken:
        def read_many(self, job_ids: Any) -> Any:
            raise ZeroDivisionError

    job_id = house.uploaded()["id"]
    sound = house.service.watcher._ledger
    house.service.watcher._ledger = Broken()  # type: ignore[assignment]
    assert house.client.get(f"/status/{job_id}?wait=20").get_json()["state"] == "queued"
    house.service.watcher._ledger = sound
    house.begin(job_id)
    with waiting(house, f"/status/{job_id}?wait=20") as answer:
        house.finish_running(job_id)
        assert answer.result(timeout=10).get_json()["state"] == "done"
