"""The built page, as it is given out: with this service's terms, kept as long as it may be, and never half of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import House
from tests.api.test_page import Page

INDEX = '<html><head><meta name="firstlight-terms" content="" /></head></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "page-abc.js").write_text("plain")
    (folder / "assets" / "page-abc.js.br").write_bytes(b"brotli")
    (folder / "assets" / "page-abc.js.gz").write_bytes(b"gzip")
    (folder / "index.html").write_text(INDEX)
    return folder


@pytest.fixture
def built(build: Any, folder: Path) -> House:
    house = build(page=folder, max_photo_bytes=50_000_000, keep_s=3600.0)
    assert isinstance(house, House)
    return house


def test_the_page_knows_what_the_service_takes_and_keeps(built: House) -> None:
    page = Page(built.client.get("/").text)
    terms = json.loads(str(page.all("meta")[0]["content"]))
    assert terms == {"largest": 50_000_000, "kept": 3600.0, "direct": False}


def test_the_page_is_asked_for_anew_and_its_parts_are_kept_for_ever(built: House) -> None:
    first = built.client.get("/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = built.client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    with built.client.get("/assets/page-abc.js") as part:
        assert "immutable" in part.headers["Cache-Control"]
        assert (part.data, part.mimetype) == (b"plain", "text/javascript")


def test_a_picture_is_given_out_as_one(built: House, folder: Path) -> None:
    (folder / "assets" / "night-abc.webp").write_bytes(b"RIFF")
    with built.client.get("/assets/night-abc.webp") as picture:
        assert picture.mimetype == "image/webp"


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [("gzip, br", "br", b"brotli"), ("gzip", "gzip", b"gzip"), ("br;q=0", None, b"plain"), ("", None, b"plain")],
)
def test_a_part_travels_as_small_as_its_reader_takes_it(
    built: House, accepted: str, coding: str | None, body: bytes
) -> None:
    with built.client.get("/assets/page-abc.js", headers={"Accept-Encoding": accepted}) as answer:
        assert (answer.headers.get("Content-Encoding"), answer.data) == (coding, body)
        assert answer.mimetype == "text/javascript"
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "name", ["none.js", "..%2findex.html", "%2e%2e/index.html", "page-abc.js.br", "", "/etc/passwd"]
)
def test_nothing_else_is_given_out(built: House, name: str) -> None:
    assert built.client.get(f"/assets/{name}").status_code == 404


def test_the_page_may_run_no_code_of_its_own_and_ask_nobody_else(built: House) -> None:
    policy = built.client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "worker-src 'self';" in policy
    assert "http" not in policy
    assert "unsafe" not in policy


def test_while_nothing_is_built_the_form_stands_in(built: House, folder: Path) -> None:
    (folder / "index.html").unlink()
    assert built.client.get("/").text == built.client.get("/form").text
    (folder / "index.html").write_text(INDEX)
    assert "firstlight-terms" in built.client.get("/").text
