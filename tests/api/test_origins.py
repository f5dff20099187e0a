"""Which other origins' pages may call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import House

FRIEND = "https://photos.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "idempotency-key"}


@pytest.fixture
def friendly(build: Any) -> House:
    made = build(allowed_origins=f"https://other.example, {FRIEND}/")
    assert isinstance(made, House)
    return made


def test_an_allowed_origins_preflight_is_answered(friendly: House) -> None:
    answer = friendly.client.options("/upload", headers={"Origin": FRIEND, **PREFLIGHT})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    for name in ("Idempotency-Key", "Authorization", "If-None-Match", "Content-Type"):
        assert name in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_allowed_origin_may_read_the_headers_that_matter(friendly: House) -> None:
    answer = friendly.upload(headers={"Origin": FRIEND})
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert all(name in exposed for name in ("Location", "Retry-After", "ETag"))
    assert "Origin" in answer.headers["Vary"]


def test_an_allowed_origin_may_read_errors_and_show_pictures(friendly: House) -> None:
    answer = friendly.client.get("/status/none", headers={"Origin": FRIEND})
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://photos.example", f"{FRIEND}.evil.example"])
def test_other_origins_are_told_nothing(friendly: House, origin: str) -> None:
    for answer in (
        friendly.client.options("/upload", headers={"Origin": origin, **PREFLIGHT}),
        friendly.client.get("/health", headers={"Origin": origin}),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert "Origin" in answer.headers["Vary"]


def test_by_default_only_the_same_origin_reads(house: House) -> None:
    answer = house.client.get("/health", headers={"Origin": FRIEND})
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_star_lets_everybody_read(build: Any) -> None:
    answer = build(allowed_origins="*").client.get("/health", headers={"Origin": FRIEND})
    assert answer.headers["Access-Control-Allow-Origin"] == FRIEND
