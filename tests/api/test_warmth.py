"""Asking for a machine ahead of the photo."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fleet.outlook import Outlook
from jobs.errors import StoreBusy
from jobs.patience import KEY, read_patience
from tests.api.conftest import START_MS, House


def warm(house: House, body: Any = None) -> Any:
    return house.client.post("/warm", json=body) if body is not None else house.client.post("/warm")


def test_a_ready_machine_is_said_to_be_ready_and_none_is_started(house: House) -> None:
    answer = warm(house, {"intent": "view"})
    assert answer.status_code == 200
    assert answer.get_json() == {
        "state": "ready",
        "phase": None,
        "phase_seconds": None,
        "eta_seconds": None,
        "detail": "",
    }
    assert house.asked() == []


@pytest.mark.parametrize("intent", ["view", "pick"])
def test_a_machine_is_started_and_its_state_told(house: House, intent: str) -> None:
    house.hands.now_ms += 3000
    house.hands.outlook = Outlook(
        state="starting", phase="starting_machine", since_ms=START_MS, ready_in_s=20.0, detail="Soon."
    )
    answer = warm(house, {"intent": intent})
    assert answer.status_code == 202
    assert answer.get_json() == {
        "state": "starting",
        "phase": "starting_machine",
        "phase_seconds": 3.0,
        "eta_seconds": 20.0,
        "detail": "Soon.",
    }
    assert house.asked() == [intent]


def test_an_empty_call_counts_as_a_view(house: House) -> None:
    house.hands.outlook = Outlook(state="starting", phase="loading_model")
    assert warm(house).status_code == 202
    assert house.asked() == ["view"]


def test_a_spent_budget_is_said_to_be_spent(house: House) -> None:
    house.hands.outlook = Outlook(state="none", phase="starting_machine")
    house.hands.refused = "warm_budget_spent"
    answer = warm(house, {"intent": "view"})
    assert (answer.status_code, answer.get_json()["code"]) == (429, "warm_budget_spent")


def test_who_may_not_start_one_still_hears_of_one_that_starts(house: House) -> None:
    house.hands.outlook = Outlook(state="starting", phase="starting_machine")
    house.hands.refused = "warm_budget_spent"
    assert warm(house, {"intent": "view"}).status_code == 202


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"view"', b'{"intent": "buy"}', b'{"intent": null}', b"\xff", b" " * 2000]
)
def test_any_other_intent_is_refused(house: House, body: bytes) -> None:
    answer = house.client.post("/warm", data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_intent")
    assert house.asked() == []


def test_no_get_asks_for_a_machine(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.asked()
    house.hands.ensured.clear()
    house.hands.outlook = Outlook(state="none", phase="starting_machine")
    for rule in house.app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and "filename" not in rule.arguments:
            house.client.get(rule.rule.replace("<job_id>", job_id), buffered=False).close()
    assert house.asked() == []


def test_a_launch_under_way_holds_no_answer(house: House) -> None:
    launched = threading.Event()
    machines = house.service.outlooks._launcher

    class Slow:
        glance = staticmethod(machines.glance)
        outlook = staticmethod(machines.outlook)

        def ensure(self, reason: str) -> Outlook:
            assert launched.wait(20)
            return machines.ensure(reason)  # type: ignore[arg-type]

    house.service.outlooks._launcher = Slow()  # type: ignore[assignment]
    house.hands.outlook = Outlook(state="starting", phase="starting_machine")
    for _ in range(3):
        assert warm(house, {"intent": "pick"}).status_code == 202
    assert house.hands.ensured == []
    launched.set()
    assert set(house.asked()) == {"pick"}


def test_a_launch_that_failed_does_not_stop_the_next(house: House) -> None:
    house.hands.outlook = Outlook(state="none", phase="starting_machine")
    house.hands.blind = True
    house.service.outlooks.ensure_soon("view")
    assert house.asked() == ["view"]
    house.hands.blind = False
    assert warm(house, {"intent": "pick"}).status_code == 202
    assert house.asked() == ["view", "pick"]


@pytest.fixture
def cloud(build: Any) -> House:
    """Where the time that machines stay idle is learned."""
    made = build(idle_least_s=25.0, idle_s=90.0)
    assert isinstance(made, House)
    return made


def leave(house: House, photo: Any) -> Any:
    return warm(house, {"intent": "leave", "photo": photo})


def deserted(house: House) -> bool:
    return read_patience(house.ports.table).is_deserted


def test_a_visitor_leaves_and_no_machine_is_asked_for(cloud: House) -> None:
    job_id = cloud.uploaded()["id"]
    cloud.finish(job_id)
    asked = cloud.asked()
    cloud.hands.outlook = Outlook(state="none", phase="starting_machine")
    cloud.hands.refused = "warm_budget_spent"  # a leave costs nothing
    answer = leave(cloud, job_id)
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (204, b"", "no-store")
    assert deserted(cloud)
    assert cloud.asked() == asked


@pytest.mark.parametrize("intent", ["view", "pick"])
def test_who_comes_to_a_ready_machine_voids_a_leave(cloud: House, intent: str) -> None:
    job_id = cloud.uploaded()["id"]
    cloud.finish(job_id)
    leave(cloud, job_id)
    assert warm(cloud, {"intent": intent, "photo": job_id}).status_code == 200
    assert not deserted(cloud)


def test_leaves_of_others_and_of_nobody_are_heard_in_silence(cloud: House) -> None:
    mine = cloud.uploaded()
    cloud.finish(mine["id"])
    cloud.hands.now_ms += 1000
    newest = cloud.uploaded()["id"]
    cloud.finish(newest)
    waiting = cloud.uploaded()["id"]
    leave(cloud, newest)
    cloud.hands.now_ms += 1000
    before = cloud.ports.table.read(KEY)
    gone = cloud.client.delete(f"/upload/{mine['id']}", headers={"Authorization": f"Bearer {mine['owner_token']}"})
    assert gone.status_code == 204
    for photo in (mine["id"], newest, waiting, "00000000-0000-4000-8000-000000000000"):
        assert leave(cloud, photo).status_code == 204
    assert cloud.ports.table.read(KEY) == before


@pytest.mark.parametrize(
    "photo", [None, "", 7, [], {}, "x", "../patience", "00000000-0000-4000-8000-000000000000\n", "\0", "x" * 900]
)
def test_a_leave_without_a_photos_id_is_refused(cloud: House, photo: Any) -> None:
    answer = leave(cloud, photo)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "bad_intent")
    assert '"leave", "photo"' in answer.get_json()["cure"]
    assert warm(cloud, {"intent": "view", "photo": photo}).status_code == 200  # as ever


def test_a_leave_while_the_store_is_away_is_told_so(cloud: House, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = cloud.uploaded()["id"]

    def away(key: str) -> None:
        raise StoreBusy("locked")

    monkeypatch.setattr(cloud.ports.table, "read", away)
    answer = leave(cloud, job_id)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "store_busy")


def test_on_a_laptop_a_leave_changes_nothing(house: House) -> None:
    job_id = house.uploaded()["id"]
    house.finish(job_id)
    assert leave(house, job_id).status_code == 204
    assert house.ports.table.read(KEY) is None
