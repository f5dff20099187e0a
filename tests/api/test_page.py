"""The plain page, as a browser without scripts meets it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from fleet.outlook import Outlook
from photos.facts import PhotoFacts
from tests.api.conftest import JPEG, House


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(house: House, address: str) -> Page:
    answer = house.client.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return Page(answer.text)


def test_the_form_sends_a_photo_without_a_script(house: House) -> None:
    form = page(house, "/form")
    assert form.all("form")[0]["action"] == "/upload"
    assert (form.all("form")[0]["method"], form.all("form")[0]["enctype"]) == ("post", "multipart/form-data")
    labelled = {each["for"] for each in form.all("label")}
    fields = {each["name"]: each for each in form.all("input") + form.all("select")}
    assert set(fields) == {"image", "ratio", "format"}
    assert all(each["id"] in labelled for each in fields.values())
    assert form.all("html")[0]["lang"] == "en"
    assert "erased 24 hours after" in form.words
    assert "width=device-width" in str(form.all("meta"))


@pytest.mark.parametrize("address", ["/", "/form", "/docs", "/photo"])
def test_pages_carry_no_code_and_no_style_of_their_own(house: House, address: str) -> None:
    shown = page(house, address if address != "/photo" else f"/photo/{house.uploaded()['id']}")
    assert all(each.get("src") for each in shown.all("script"))
    assert not shown.all("style")
    assert not [each for _, each in shown.elements if "style" in each or any(name.startswith("on") for name in each)]
    addresses = [each.get("src") or each.get("href") or "" for _, each in shown.elements]
    assert not [each for each in addresses if "//" in each]
    for each in {each for each in addresses if each.startswith("/static/")}:
        with house.client.get(each) as answer:
            assert answer.status_code == 200


def test_the_page_of_a_waiting_photo_renews_itself_and_says_why_it_waits(house: House) -> None:
    house.hands.outlook = Outlook(state="none", phase="no_worker")
    shown = page(house, f"/photo/{house.uploaded()['id']}")
    assert {"http-equiv": "refresh", "content": "3"} in shown.all("meta")
    assert "No worker is running" in shown.words


def test_the_page_of_a_done_photo_shows_before_and_after(house: House) -> None:
    accepted = house.uploaded()
    house.finish(accepted["id"])
    shown = page(house, f"/photo/{accepted['id']}")
    pictures = [each["src"] for each in shown.all("img")]
    assert pictures == [f"/photo/{accepted['id']}/original", accepted["result_url"]]
    assert all(each["alt"] for each in shown.all("img"))
    assert not [each for each in shown.all("meta") if each.get("http-equiv")]
    with house.client.get(str(pictures[0])) as original:
        assert (original.data, original.mimetype) == (JPEG, "image/jpeg")
        assert "sandbox" in original.headers["Content-Security-Policy"]


def test_a_done_photo_can_be_brightened_again_without_a_script(house: House) -> None:
    accepted = house.uploaded(format="png")
    house.finish(accepted["id"])
    shown = page(house, f"/photo/{accepted['id']}")
    fields = {str(each["name"]): str(each["value"]) for each in shown.all("input")}
    assert fields == {"again": accepted["id"], "format": "png", "ratio": "12.5"}
    answer = house.client.post(
        "/upload", data=fields, content_type="multipart/form-data", headers={"Accept": "text/html"}
    )
    assert answer.status_code == 303
    assert page(house, answer.headers["Location"])


def test_what_a_browser_cannot_show_is_not_shown(house: House) -> None:
    house.hands.finding = PhotoFacts(
        format="raw", width=400, height=300, orientation=1, layout="mosaic", depth=16, grey=False, alpha=False
    )
    accepted = house.uploaded(format="tiff")
    house.finish(accepted["id"])
    assert page(house, f"/photo/{accepted['id']}").all("img") == []
    assert house.client.get(f"/photo/{accepted['id']}/original").status_code == 404


def test_the_page_of_a_failed_photo_says_why_and_what_to_do(house: House) -> None:
    accepted = house.uploaded()
    house.fail(accepted["id"], "photo_too_slow", "It holds <b>80</b> scans.")
    shown = page(house, f"/photo/{accepted['id']}")
    assert "takes too long" in shown.words
    assert "<b>80</b>" in shown.words
    assert "Save it again" in shown.words


def test_a_reader_of_pages_meets_a_page_when_something_is_wrong(house: House) -> None:
    answer: Any = house.client.get("/photo/none", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "never issued" in Page(answer.text).words
