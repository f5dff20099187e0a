"""The service as a real uWSGI process with the real decoder: what only the server can break."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.server import CannotServe, PortTaken, check, check_port, command
from jobs.settings import Settings
from tests.api.server import FORM, Server, ask, form, jpeg, serving, starting

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("api")) as running:
        yield running


def read_to_end(connection: Any) -> bytes:
    answer = b""
    while chunk := connection.recv(65536):
        answer += chunk
    return answer


def test_a_photo_is_taken_and_told_of(server: Server) -> None:
    accepted = server.upload(jpeg())
    status, headers, body = server.ask("GET", accepted["status_url"])
    assert (status, json.loads(body)["state"]) == (200, "queued")
    assert json.loads(body)["phase"] == "no_worker"
    status, _, body = server.ask("GET", accepted["status_url"], headers={"If-None-Match": headers["etag"]})
    assert (status, body) == (304, b"")


def test_relative_places_are_meant_from_where_it_was_started(server: Server) -> None:
    assert Path(f"/proc/{server.process.pid}/cwd").resolve() == server.folder.resolve()


def test_what_is_no_photo_is_refused_by_the_sandboxed_decoder(server: Server) -> None:
    status, _, body = server.ask("POST", "/upload", form(b"\xff\xd8\xff" + bytes(100_000)), FORM)
    assert (status, json.loads(body)["code"]) == (422, "unreadable_photo")


def test_chunks_are_refused_in_so_many_words(server: Server) -> None:
    with server.socket() as connection:
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {FORM['Content-Type']}\r\n"
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        answer = read_to_end(connection)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b'"length_required"' in answer


def test_an_oversized_body_is_refused_while_it_is_still_being_sent(server: Server) -> None:
    with server.socket() as connection:
        length = f"Content-Length: {10**9}\r\n"
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\n{length}\r\n"
        connection.sendall(head.encode() + bytes(1 << 20))
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"photo_too_large"' in answer


def test_an_expecting_client_is_told_to_go_on_or_not(server: Server) -> None:
    with server.socket() as connection:
        body = form(jpeg())
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {FORM['Content-Type']}\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b" 202 " in read_to_end(connection).partition(b"\r\n")[0]


def test_long_headers_are_read(server: Server) -> None:
    assert server.ask("GET", "/health", headers={"X-Long": "x" * 20_000})[0] == 200


def test_one_connection_serves_many_requests(server: Server) -> None:
    with server.socket() as connection:
        for _ in range(3):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")


def test_an_answer_without_a_body_is_followed_by_nothing(server: Server) -> None:
    accepted = server.upload(jpeg())
    etag = server.ask("GET", accepted["status_url"])[1]["etag"]
    owner = f"Authorization: Bearer {accepted['owner_token']}"
    for request, status in (
        (f"GET {accepted['status_url']} HTTP/1.1\r\nIf-None-Match: {etag}", b" 304 "),
        (f"DELETE /upload/{accepted['id']} HTTP/1.1\r\n{owner}", b" 204 "),
    ):
        with server.socket() as connection:
            connection.sendall(f"{request}\r\nHost: x\r\n\r\n".encode())
            head, _, rest = read_to_end(connection).partition(b"\r\n\r\n")
        assert status in head
        assert rest == b""


def test_a_slow_client_is_waited_for(server: Server) -> None:
    body = form(jpeg())
    with server.socket() as connection:
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {FORM['Content-Type']}\r\n"
        connection.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 200):
            connection.sendall(body[start : start + 200])
            assert server.ask("GET", "/health")[0] == 200
        assert b" 202 " in read_to_end(connection).partition(b"\r\n")[0]


def test_a_client_that_goes_away_leaves_nothing(server: Server) -> None:
    def open_spools() -> int:
        found = 0
        for pid in server.workers():
            for link in Path(f"/proc/{pid}/fd").iterdir():
                try:
                    found += "spool" in str(link.readlink())
                except FileNotFoundError:
                    continue
        return found

    with server.socket() as connection:
        head = f"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\n"
        connection.sendall(head.encode() + b"Content-Length: 9000000\r\n\r\n" + form(jpeg(size=3_000_000))[:2_000_000])
        until(lambda: open_spools() == 1)
    until(lambda: open_spools() == 0)
    assert list(Path(server.settings.spool).iterdir()) == []


def test_an_event_is_sent_when_it_happens(server: Server) -> None:
    accepted = server.upload(jpeg())
    with server.socket() as connection:
        connection.sendall(f"GET /events/{accepted['id']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        told = b""
        while b'"queued"' not in told:
            told += connection.recv(65536)
        server.ask(
            "DELETE", f"/upload/{accepted['id']}", headers={"Authorization": f"Bearer {accepted['owner_token']}"}
        )
        while b'"cancelled"' not in told:
            told += connection.recv(65536)


def test_the_processes_count_together(server: Server) -> None:
    def counted() -> float:
        text = server.ask("GET", "/metrics")[2].decode()
        line = next(line for line in text.splitlines() if 'route="/docs"' in line)
        return float(line.rsplit(" ", 1)[1])

    server.ask("GET", "/docs")
    before = counted()
    pids = threading.Barrier(8)

    def read() -> None:
        pids.wait(60)
        assert server.ask("GET", "/docs")[0] == 200

    readers = [threading.Thread(target=read) for _ in range(8)]
    for each in readers:
        each.start()
    for each in readers:
        each.join(60)
    assert [counted() for _ in range(6)] == [before + 8] * 6


def test_a_lock_held_by_another_process_stalls_nobody_who_needs_none(server: Server) -> None:
    accepted = server.upload(jpeg())
    uploads = [threading.Thread(target=server.upload, args=(jpeg(),)) for _ in range(4)]
    holder = sqlite3.connect(f"{server.folder}/jobs.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        for each in uploads:
            each.start()
        for _ in range(40):  # one that waited for the lock would outlast the uploads' own patience
            for path in ("/health", accepted["status_url"]):
                assert server.ask("GET", path)[0] == 200
            time.sleep(0.02)
        assert all(each.is_alive() for each in uploads)
    finally:
        holder.execute("COMMIT")
        holder.close()
    for each in uploads:
        each.join(60)
    assert not any(each.is_alive() for each in uploads)


def test_a_graceful_end_finishes_what_was_begun(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        accepted = server.upload(jpeg())
        body = form(jpeg())
        waiter, sender = server.socket(), server.socket()
        with waiter, sender:
            waiter.sendall(
                f"GET {accepted['status_url']}?wait=20 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            )
            head = f"POST /upload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {FORM['Content-Type']}\r\n"
            sender.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:300])
            until(lambda: server.ask("GET", "/health")[0] == 200)
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert b'"queued"' in read_to_end(waiter)
            sender.sendall(body[300:])
            assert b" 202 " in read_to_end(sender).partition(b"\r\n")[0]
        assert server.process.wait(20) == 0
        assert time.monotonic() - began < 15
    assert not (tmp_path / f"api-{server.settings.port}.sock").exists()


def pids(server: Server) -> list[str]:
    return re.findall(r"spawned uWSGI worker \d+ \(pid: (\d+)", server.log())


def is_loading(pid: str) -> bool:
    """Whether a process has come to what the app needs, and so past its first line, which listens for the end."""
    return "pydantic_core" in Path(f"/proc/{pid}/maps").read_text()


def test_an_end_while_it_still_loads_is_heard_at_once(tmp_path: Path) -> None:
    with starting(tmp_path / "api") as server:
        until(lambda: all(map(is_loading, pids(server))) and len(pids(server)) == 2, within_s=60)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0  # and not after the 75 s that running requests get


def test_a_folder_of_any_letters_is_served_whatever_the_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("PYTHONUTF8", "0")
    with starting(tmp_path / "Nächte") as server:
        until(
            lambda: server.process.poll() is not None or (pids(server) and all(map(is_loading, pids(server)))),
            within_s=60,
        )
        assert server.process.poll() is None, server.log()


def test_a_folder_whose_name_is_no_text_is_refused() -> None:
    spool = os.fsdecode(b"/tmp/N\xe4chte")
    with pytest.raises(CannotServe, match=r"SPOOL is /tmp/N\\xe4chte, .* another name"):
        check(Settings(spool=spool))


def test_a_taken_port_is_said_to_be_taken(server: Server) -> None:
    with pytest.raises(PortTaken, match=rf"Port {server.settings.port} .* PORT={server.settings.port + 1}"):
        check_port(server.settings)


@pytest.mark.parametrize(
    ("place", "cure"),
    [
        ({"port": 70_000}, "PORT=8080"),
        ({"port": 0}, "PORT=8080"),
        ({"host": "300.1.1.1"}, "use 127.0.0.1"),
        ({"host": "192.0.2.1"}, "HOST=127.0.0.1"),
    ],
)
def test_a_place_that_is_none_is_said_to_be_none(place: dict[str, Any], cure: str) -> None:
    with pytest.raises(PortTaken, match=cure):
        check_port(Settings(**place))


def test_the_command_names_a_private_socket_however_deep_the_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    (inner,) = (each for each in command(Settings(spool=f"{deep}/spool")) if each.startswith("--socket="))
    assert len(inner) < 108
    assert "firstlight-" in inner


def until(condition: Any, *, within_s: float = 50.0) -> None:
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/warm", "/upload/direct"])
def test_a_short_body_that_is_dripped_holds_its_place_for_seconds_only(server: Server, path: str) -> None:
    """3,500 of them froze the service for as long as they liked, a byte a minute."""
    with server.socket() as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
    assert server.ask("GET", "/health")[0] == 200


@pytest.mark.slow
def test_a_thousand_waiters_hardly_delay_an_upload(tmp_path: Path) -> None:
    photo = jpeg(4000, 3000, size=4_000_000)

    async def uploads(server: Server) -> float:
        taken = []
        for _ in range(15):
            status, _, seconds = await ask(server, "POST", "/upload", form(photo), FORM)
            assert status == 202
            taken.append(seconds)
            await asyncio.sleep(0.2)
        return statistics.median(taken)

    async def measure(server: Server) -> tuple[float, float]:
        addresses = [server.upload(jpeg())["status_url"] + "?wait=20" for _ in range(20)]
        alone = await uploads(server)
        waiters = [asyncio.create_task(ask(server, "GET", addresses[n % 20])) for n in range(1000)]
        await asyncio.sleep(3)
        assert not any(waiter.done() for waiter in waiters)
        beside = await uploads(server)
        answers = await asyncio.gather(*waiters)
        assert {status for status, _, _ in answers} == {200}
        assert min(seconds for _, _, seconds in answers) > 15
        return alone, beside

    with serving(tmp_path) as server:
        alone, beside = asyncio.run(measure(server))
    print(f"median upload of 4 MB: {alone * 1000:.0f} ms alone, {beside * 1000:.0f} ms beside 1,000 waiters")
    assert beside - alone < 1  # measured: some hundredths; a waiter that costs a thread or a poll costs seconds


@pytest.mark.slow
def test_twenty_large_uploads_at_once_take_little_memory(tmp_path: Path) -> None:
    photo = jpeg(4000, 3000, size=25_000_000)

    def memory(server: Server) -> int:
        total = 0
        for pid in server.family():
            try:
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return total >> 10

    async def measure(server: Server) -> tuple[int, int]:
        before = most = memory(server)
        body = form(photo)
        sending = [asyncio.create_task(ask(server, "POST", "/upload", body, FORM)) for _ in range(20)]
        while not all(each.done() for each in sending):
            most = max(most, memory(server))
            await asyncio.sleep(0.05)
        assert [each.result()[0] for each in sending] == [202] * 20
        return before, most

    with serving(tmp_path) as server:
        server.upload(jpeg())
        before, most = asyncio.run(measure(server))
    print(f"memory of the service: {before} MB before, {most} MB at most under 20 uploads of 25 MB")
    assert most - before < 250
