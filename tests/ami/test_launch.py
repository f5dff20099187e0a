"""What a machine takes from instance metadata: tags and settings, from a stranger's text."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.requests import DEADLINE_TAG, EPOCH_TAG, SLOT_TAG
from fleet.stand_in.instances import Instance
from fleet.stand_in.metadata import metadata
from jobs.settings import Settings

TAGS = {SLOT_TAG: "3", EPOCH_TAG: "17", DEADLINE_TAG: "2026-11-23T09:00:00Z"}


def instance(tags: Mapping[str, str]) -> Instance:
    return Instance(
        id="i-1", type="c7i.xlarge", subnet="s", zone="z", market="spot", template="t", token="t",
        launched_ms=0, running_ms=0, tags=tags,
    )  # fmt: skip


def service(tags: Mapping[str, str], user_data: str | None):
    """The stand-in's metadata service, and user data."""

    def ask(method: str, path: str, headers: Mapping[str, str]) -> tuple[int, str]:
        if path == "user-data":
            return (200, user_data) if user_data is not None else (404, "")
        said = metadata(instance(tags), method, path, headers.get("X-aws-ec2-metadata-token", ""), now=0)
        return said.status, said.body

    return ask


def test_tags_and_user_data_become_the_worker_s_settings(launch: ModuleType) -> None:
    tags, user_data = launch.launched_for(service(TAGS, "BLOBS=s3://photos\nexport IDLE_S = 90\n# a word\n"))
    settings, left_out = launch.settings_of(user_data, ["BLOBS", "IDLE_S"])
    text = launch.environ_file(tags, settings, started_ms=1)
    assert left_out == []
    assert dict(line.split("=", 1) for line in text.splitlines()) == {
        "BLOBS": "s3://photos",
        "IDLE_S": "90",
        "FLEET": "ec2:this",  # a machine that ends when idle, unless user data say otherwise
        "SLOT": "3",
        "EPOCH": "17",
        "DEADLINE": "2026-11-23T09:00:00Z",
        "UNIT_STARTED_MS": "1",
    }


@pytest.mark.parametrize("name", [SLOT_TAG, EPOCH_TAG, DEADLINE_TAG])
@pytest.mark.parametrize("value", [None, "", "x", "1\nSANDBOX=off", "-1", "$(reboot)"])
def test_a_machine_without_usable_tags_must_end(launch: ModuleType, name: str, value: str | None) -> None:
    tags = {key: words for key, words in {**TAGS, name: value}.items() if words is not None}
    with pytest.raises(launch.NotLaunched, match=name):
        launch.launched_for(service(tags, ""))


def test_a_machine_without_user_data_has_no_settings(launch: ModuleType) -> None:
    assert launch.launched_for(service(TAGS, None))[1] == ""


def test_names_that_are_no_settings_are_left_out_and_told(launch: ModuleType) -> None:
    words = "SANDBOX=off\nLD_PRELOAD=/tmp/x.so\nPATH=/tmp\nslot=9\n\x1b[2J=1\n#!/bin/sh\nrm -rf / --x=y\nIDLE_S=90"
    settings, left_out = launch.settings_of(words, ["IDLE_S"])
    assert settings == {"IDLE_S": "90"}
    assert left_out == ["SANDBOX", "LD_PRELOAD", "PATH", "(no name)", "(no name)", "(no name)"]


@pytest.mark.parametrize(
    "value", ['"', "'", "`id`", "$HOME", "a b", "\\", "x\ty", "é", "<", "a" * 1025, "\x00", "(", "&"]
)
def test_a_value_that_would_need_quotes_ends_the_machine(launch: ModuleType, value: str) -> None:
    with pytest.raises(launch.NotLaunched, match="mend the launch template"):
        launch.settings_of(f"BLOBS=x{value}x", ["BLOBS"])


@given(st.text(max_size=500))
def test_no_user_data_writes_a_line_of_its_own(launch: ModuleType, text: str) -> None:
    try:
        settings, _ = launch.settings_of(text, ["BLOBS", "IDLE_S"])
    except launch.NotLaunched:
        return
    lines = launch.environ_file({"SLOT": "0"}, settings, started_ms=5).splitlines()
    assert {line.split("=", 1)[0] for line in lines} <= {"BLOBS", "IDLE_S", "SLOT", "FLEET", "UNIT_STARTED_MS"}
    assert all(line.isprintable() and line.isascii() for line in lines)


def test_every_default_could_be_said_in_user_data(launch: ModuleType) -> None:
    words = "".join(f"{name}={value}\n" for name, value in Settings().environ().items())
    settings, _ = launch.settings_of(words, Settings().environ())
    assert settings == Settings().environ()


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n\r\nbody", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", b"\x00" * 50,
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody", b"HTTP/1.1 200 OK\r\nContent-Length: 4"],
)  # fmt: skip
def test_a_cut_answer_is_asked_for_again(launch: ModuleType, answer: bytes) -> None:
    with pytest.raises(OSError, match="cut short"):
        launch.read_answer(answer)


def test_a_network_that_comes_late_costs_nothing_but_its_lateness(launch: ModuleType) -> None:
    now = [0.0]
    tries = []

    def act() -> tuple[dict[str, str], str]:
        tries.append(now[0])
        if now[0] < 3.0:
            raise OSError("Network is unreachable")
        return {"SLOT": "0"}, ""

    def sleep(seconds: float) -> None:
        now[0] += seconds

    assert launch.patiently(act, monotonic=lambda: now[0], sleep=sleep) == ({"SLOT": "0"}, "")
    assert now[0] < 3.1


def test_a_network_that_never_comes_ends_the_machine(launch: ModuleType) -> None:
    now = [0.0]

    def act() -> tuple[dict[str, str], str]:
        raise OSError("Network is unreachable")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.raises(launch.NotLaunched, match="cannot be reached in 25 s"):
        launch.patiently(act, monotonic=lambda: now[0], sleep=sleep)


def test_it_speaks_http(launch: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a server of this process: the address of the real service is never asked by a test."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            asked.append((self.path, self.headers["X-aws-ec2-metadata-token-ttl-seconds"]))
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"token")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        monkeypatch.setattr(launch, "SERVICE", server.server_address)
        headers = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
        assert launch.ask_service("PUT", "api/token", headers) == (200, "token")
    assert asked == [("/latest/api/token", "300")]
