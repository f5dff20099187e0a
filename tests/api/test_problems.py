"""Whatever goes wrong, the caller reads a problem of the registry and never a stack trace."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import FAULTS, StoreBusy
from tests.api.conftest import House

GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize(
    ("method", "address", "code"),
    [
        ("GET", "/nothing", "not_found"),
        ("GET", "/status", "not_found"),
        ("GET", "/status/", "not_found"),
        ("GET", "/health//", "not_found"),
        ("GET", "/static/../app.py", "not_found"),
        ("GET", "/static/none.css", "not_found"),
        ("GET", "/upload", "method_not_allowed"),
        ("PUT", "/upload", "method_not_allowed"),
        ("BREW", "/health", "method_not_allowed"),
        ("POST", "/health", "method_not_allowed"),
        ("DELETE", "/warm", "method_not_allowed"),
    ],
)
def test_what_is_not_served_is_a_problem(house: House, method: str, address: str, code: str) -> None:
    answer = house.client.open(address, method=method)
    assert answer.mimetype == "application/problem+json"
    assert answer.status_code == FAULTS[code].status
    assert answer.get_json() == {
        "type": f"/docs#{code}",
        "title": FAULTS[code].title,
        "status": FAULTS[code].status,
        "code": code,
        "detail": FAULTS[code].title,
        "cure": FAULTS[code].cure,
    }
    assert answer.headers["Cache-Control"] == "no-store"
    if code == "method_not_allowed":
        assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ZeroDivisionError("secret particulars"), "internal"),
        (StoreBusy("/secret/path stayed locked"), "store_busy"),
        (sqlite3.OperationalError("secret particulars"), "internal"),
    ],
)
def test_a_defect_tells_nothing_of_itself(house: House, error: Exception, code: str) -> None:
    class Broken:
        def read(self, job_id: str) -> Any:
            raise error

    accepted = house.uploaded()
    object.__setattr__(house.service.ports, "ledger", Broken())
    answer = house.client.get(accepted["status_url"])
    assert (answer.status_code, answer.get_json()["code"]) == (FAULTS[code].status, code)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    if code == "store_busy":
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("address", ["/", "/health", "/nothing", "/docs", "/static/page.css", "/openapi.json", "/warm"])
def test_every_answer_is_guarded(house: House, address: str) -> None:
    with house.client.get(address) as answer:
        for name, value in GUARDS.items():
            assert answer.headers[name] == value
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


def test_head_and_options_are_answered(house: House) -> None:
    assert house.client.head("/health").status_code == 200
    answer = house.client.options("/upload")
    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_health_asks_no_store(house: House) -> None:
    object.__setattr__(house.service, "ports", None)
    assert house.client.get("/health").get_json() == {"status": "ok"}


def test_ready_says_when_the_disk_has_no_room_or_the_service_ends(build: Any) -> None:
    house = build()
    assert house.client.get("/ready").status_code == 200
    full = build(max_photo_bytes=10**18)
    assert full.client.get("/ready").get_json()["code"] == "disk_full"
    house.service.watcher.close()
    answer = house.client.get("/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "not_in_service")


def test_ready_says_when_the_table_cannot_be_read(house: House) -> None:
    class Locked:
        def read(self, _: str) -> None:
            raise StoreBusy("locked")

    object.__setattr__(house.service.ports, "ledger", Locked())
    answer = house.client.get("/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "store_busy")


def test_ready_says_when_the_table_is_damaged(build: Any, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"no database" * 1000)
    answer = build(table=f"sqlite:{damaged}").client.get("/ready")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "not_in_service")


def test_the_registry_is_documented_for_readers(house: House) -> None:
    page = house.client.get("/docs").text
    assert [code for code in FAULTS if f'id="{code}"' not in page] == []
