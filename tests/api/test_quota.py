"""How many photos a visitor may send in an hour, and who counts as one visitor."""

from __future__ import annotations

from typing import Any

import pytest

from api.visitors import visitor
from tests.api.conftest import FACTS, House, unreadable


def sent(house: House, **headers: str) -> int:
    return int(house.upload(headers={name.replace("_", "-"): value for name, value in headers.items()}).status_code)


def test_the_limit_holds_for_an_hour_and_says_how_long(build: Any) -> None:
    house = build(upload_limit=2)
    assert [sent(house) for _ in range(2)] == [202, 202]
    refused = house.upload()
    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    wait_s = int(refused.headers["Retry-After"])
    assert 0 < wait_s <= 3600
    house.hands.now_ms += (wait_s - 1) * 1000
    assert sent(house) == 429
    house.hands.now_ms += 1000
    assert sent(house) == 202


def test_a_refused_upload_does_not_count(build: Any) -> None:
    house = build(upload_limit=1)
    assert house.upload(b"GIF89a" + bytes(100)).status_code == 415
    assert house.upload(ratio="nan").status_code == 400
    house.hands.finding = unreadable("too_many_pixels")
    assert house.upload().status_code == 422
    house.hands.finding = ZeroDivisionError("a defect")
    assert house.upload().status_code == 500
    house.hands.finding = FACTS
    assert sent(house) == 202
    assert sent(house) == 429


def test_a_photo_that_stops_the_decoder_does_count(build: Any) -> None:
    house = build(upload_limit=1)
    house.hands.finding = unreadable("photo_kills_decoder")
    assert house.upload().status_code == 422
    assert sent(house) == 429


def test_the_same_photo_sent_twice_with_one_key_counts_once(build: Any) -> None:
    house = build(upload_limit=2)
    assert [sent(house, Idempotency_Key="a key of sixteen") for _ in range(4)] == [202] * 4
    assert sent(house) == 202
    assert sent(house) == 429


def test_a_forged_cookie_or_header_lifts_nothing(build: Any) -> None:
    house = build(upload_limit=1)
    assert sent(house) == 202
    assert sent(house, Cookie="session=admin; unlimited=1") == 429
    assert sent(house, X_Forwarded_For="198.51.100.7", X_Real_IP="198.51.100.8", Forwarded="for=198.51.100.9") == 429


def test_behind_a_proxy_each_visitor_has_a_limit_of_their_own(build: Any) -> None:
    house = build(upload_limit=1, trusted_proxies=1)
    assert sent(house, X_Forwarded_For="192.0.2.1") == 202
    assert sent(house, X_Forwarded_For="192.0.2.2") == 202
    assert sent(house, X_Forwarded_For="203.0.113.99, 192.0.2.1") == 429


@pytest.mark.parametrize(
    ("remote", "forwarded", "proxies", "who"),
    [
        ("192.0.2.1", "", 0, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", 0, "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", 1, "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", 2, "198.51.100.1"),
        ("192.0.2.1", "198.51.100.1", 2, "192.0.2.1"),
        ("192.0.2.1", "", 1, "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1:4711", 1, "198.51.100.1"),
        ("10.0.0.1", "nonsense", 1, "unknown"),
        ("2001:db8:1:2:3:4:5:6", "", 0, "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", 0, "2001:db8:1:2::/64"),
        ("10.0.0.1", "[2001:db8:1:2::9]:443", 1, "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", 0, "192.0.2.1"),
        ("fe80::1%eth0", "", 0, "fe80::/64"),
        ("", "", 0, "unknown"),
    ],
)
def test_a_visitor_is_the_address_that_trusted_proxies_saw(remote: str, forwarded: str, proxies: int, who: str) -> None:
    assert visitor(remote, forwarded, trusted_proxies=proxies) == who
