"""`firstlight send`: photos to a running service and back, whatever happens on the way."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from cli.board import lines, redraw
from cli.main import main
from cli.passage import Passage
from cli.photo_form import PhotoForm
from cli.remote import NotServed, Remote
from cli.send import _tell_left
from jobs.upkeep import known
from photos.errors import UnreadablePhoto
from tests.api.conftest import JPEG
from tests.cli.clouds import Installation
from tests.cli.houses import PICTURE, Open, open_house
from tests.fleet.processes import until


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Open]:
    with open_house(tmp_path / "service") as service:
        yield service


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    made = [folder / f"night{number}.jpg" for number in range(3)]
    for number, photo in enumerate(made):
        photo.write_bytes(JPEG + bytes([number]))
    return made


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again at once, unless the service says when."""
    monkeypatch.setattr("cli.remote.FIRST_PAUSE_S", 0.001)


def send(service: Open, *words: object) -> Result:
    return CliRunner().invoke(main, ["send", "--url", service.url, *map(str, words)])


def stored(service: Open, key: str) -> bytes:
    with service.ports.blobs.open(key) as blob:
        return blob.read()


def bright(photo: Path, suffix: str = ".jpg") -> Path:
    return photo.with_name(f"{photo.stem}-bright{suffix}")


def test_pictures_lie_beside_their_photos(service: Open, photos: list[Path]) -> None:
    done = send(service, *photos)
    assert done.exit_code == 0, done.output
    assert [bright(photo).read_bytes() for photo in photos] == [PICTURE] * 3
    assert sorted(done.stdout.splitlines()) == [f"{bright(photo)}  ×12.5" for photo in photos]
    assert len(list(photos[0].parent.iterdir())) == 6
    assert len(known(service.ports)) == 3


def test_wishes_reach_the_service(service: Open, photos: list[Path], tmp_path: Path) -> None:
    done = send(service, photos[0], "--ratio", "4.5", "--format", "png", "--out", tmp_path / "bright")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "bright" / "night0-bright.png").exists()
    (job,) = known(service.ports)
    assert (job.ratio, job.format) == (4.5, "png")
    assert stored(service, job.source_key) == photos[0].read_bytes()


def test_an_upload_whose_answer_is_lost_makes_one_job(service: Open, photos: list[Path]) -> None:
    service.way.orders += [("POST", "/upload", "lost")] * 3
    service.way.orders[0] = ("POST", "/upload/direct", "lost")
    done = send(service, photos[0])
    assert done.exit_code == 0, done.output
    assert service.way.calls.count("POST /upload") == 3
    assert len(known(service.ports)) == 1


def test_an_overloaded_service_is_asked_again_when_it_says(service: Open, photos: list[Path]) -> None:
    service.way.headers["Retry-After"] = "0"
    service.way.orders += [("POST", "/upload", 429), ("POST", "/upload", 503), ("GET", "/status/", 503)]
    done = send(service, photos[0], "--no-direct")
    assert done.exit_code == 0, done.output
    assert service.way.calls.count("POST /upload") == 3
    assert "Trying again in 0 s." in done.stderr


def test_patience_has_an_end_and_says_when_to_try_again(service: Open, photos: list[Path]) -> None:
    service.way.headers["Retry-After"] = "3600"
    service.way.orders += [("POST", "/upload", 429)]
    done = send(service, photos[0], "--no-direct")
    assert done.exit_code == 1
    assert "Try again in 3600 s." in done.output
    assert service.way.calls == ["POST /upload"]


def test_the_limit_of_the_service_is_told_in_its_own_words(tmp_path: Path, photos: list[Path]) -> None:
    with open_house(tmp_path / "service", upload_limit=1) as service:
        done = send(service, *photos[:2], "--give-up-s", "1", "--lanes", "1", "--no-direct")
    assert done.exit_code == 1
    assert "Wait a little, then send the next." in done.output
    assert bright(photos[0]).exists()


def test_a_picture_that_breaks_off_goes_on_where_it_broke(service: Open, photos: list[Path]) -> None:
    service.way.orders += [("GET", "/result/", "half")] * 2
    done = send(service, photos[0])
    assert done.exit_code == 0, done.output
    assert bright(photos[0]).read_bytes() == PICTURE
    ranges = [call for call in service.way.calls if "bytes=" in call]
    assert len(ranges) == 2


def test_a_picture_already_there_stays_and_nothing_is_sent(service: Open, photos: list[Path]) -> None:
    bright(photos[0]).write_bytes(b"mine")
    done = send(service, photos[0])
    assert done.exit_code == 1
    assert "--force" in done.output
    assert service.way.calls == []
    assert send(service, photos[0], "--force").exit_code == 0
    assert bright(photos[0]).read_bytes() == PICTURE


def test_a_picture_that_appears_meanwhile_is_not_replaced(service: Open, photos: list[Path]) -> None:
    service.works.clear()
    sending = threading.Thread(target=lambda: results.append(send(service, photos[0])))
    results: list[Result] = []
    sending.start()
    until(lambda: known(service.ports))
    bright(photos[0]).write_bytes(b"another's")
    service.works.set()
    sending.join()
    assert results[0].exit_code == 1
    assert bright(photos[0]).read_bytes() == b"another's"
    (job,) = known(service.ports)
    assert f"`firstlight send --url {service.url} --id {job.id}`" in results[0].output
    assert sorted(each.name for each in photos[0].parent.iterdir() if each.name.startswith(".")) == []


def test_two_photos_whose_pictures_would_have_one_name_are_told(service: Open, photos: list[Path]) -> None:
    twin = photos[0].with_suffix(".png")
    twin.write_bytes(JPEG)
    done = send(service, photos[0], twin)
    assert done.exit_code == 1
    assert "night0.png: its picture would have the name of night0.jpg's" in done.output
    assert bright(photos[0]).exists()
    assert len(known(service.ports)) == 1


def test_photos_that_fail_are_listed_and_the_others_are_done(service: Open, photos: list[Path]) -> None:
    service.works.clear()
    results: list[Result] = []
    sending = threading.Thread(target=lambda: results.append(send(service, *photos)))
    sending.start()
    until(lambda: len(known(service.ports)) == 3)
    broken = known(service.ports)[1]
    name = next(photo.name for photo in photos if photo.read_bytes() == stored(service, broken.source_key))
    service.house.fail(broken.id, "photo_too_slow")
    service.works.set()
    sending.join()
    assert results[0].exit_code == 1
    assert f"{name}: The photo takes too long to read. Save it again as a plain JPEG or PNG." in results[0].output
    assert f"1 of 3 failed: {name}" in results[0].output
    assert sum(bright(photo).exists() for photo in photos) == 2


def test_a_photo_that_is_refused_is_told_with_its_cure(service: Open, photos: list[Path]) -> None:
    service.house.hands.finding = UnreadablePhoto("animated_photo", "It holds 3 pictures.")
    done = send(service, photos[0])
    assert done.exit_code == 1
    assert "It holds 3 pictures. Send a single picture." in done.output


def test_sent_only_prints_ids_and_they_are_fetched_later(service: Open, photos: list[Path], tmp_path: Path) -> None:
    done = send(service, photos[0], "--no-wait", "--format", "png")
    job_id, name = done.stdout.split()
    assert name == "night0.jpg"
    assert not bright(photos[0]).exists()
    later = send(service, "--id", f"{job_id}={photos[0]}")
    assert later.exit_code == 0, later.output
    assert bright(photos[0], ".jpg").read_bytes() == PICTURE  # the kind is what the service made
    assert send(service, "--id", job_id, "--out", tmp_path).exit_code == 0
    assert (tmp_path / f"firstlight-{job_id[:8]}.jpg").read_bytes() == PICTURE


def test_an_unknown_id_is_told(service: Open) -> None:
    done = send(service, "--id", "00000000-0000-4000-8000-000000000000")
    assert done.exit_code == 1
    assert "It was never issued, has expired or was deleted." in done.output


def test_ctrl_c_says_how_to_fetch_what_is_accepted(service: Open, photos: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "a folder"
    service.works.clear()
    command = [
        sys.executable,
        "-m",
        "cli",
        "send",
        "--url",
        service.url,
        "--lanes",
        "1",
        "--out",
        str(out),
        str(photos[0]),
        str(photos[1]),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as sending:
        until(lambda: known(service.ports), within_s=60)
        until(lambda: any(call.startswith("GET /status") for call in service.way.calls), within_s=60)
        sending.send_signal(signal.SIGINT)
        said = sending.stderr.read() if sending.stderr else ""
    assert sending.returncode == 130
    assert f"Not sent: {photos[1]}" in said
    again = next(shlex.split(line) for line in said.splitlines() if line.strip().startswith("firstlight send"))
    service.works.set()
    assert CliRunner().invoke(main, again[1:]).exit_code == 0
    assert (out / bright(photos[0]).name).read_bytes() == PICTURE
    assert len(known(service.ports)) == 1


def test_ctrl_c_waits_a_moment_for_the_answer_to_what_was_sent(service: Open, photos: list[Path]) -> None:
    service.works.clear()
    service.way.orders.append(("POST", "/upload", "held"))
    command = [sys.executable, "-m", "cli", "send", "--url", service.url, str(photos[0])]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as sending:
        until(lambda: known(service.ports), within_s=60)
        sending.send_signal(signal.SIGINT)
        service.way.freed.set()
        said = sending.stderr.read() if sending.stderr else ""
    [job] = known(service.ports)
    assert "1 accepted and going on" in said
    assert f"--id {job.id}=" in said
    assert "sent" not in said


def test_what_was_sent_and_not_answered_is_not_said_to_be_unsent(capsys: pytest.CaptureFixture[str]) -> None:
    out = Passage(name="a", target=Path("a"), photo=Path("out.jpg"), stage="sending", share=0.1, out=True)
    half = Passage(name="b", target=Path("b"), photo=Path("half.jpg"), stage="sending", share=0.9)
    _tell_left([out, half], [])
    said = capsys.readouterr().err
    assert "Perhaps sent, for no answer came: out.jpg\n" in said
    assert "Not sent: half.jpg\n" in said


def test_a_service_that_is_not_there_is_told_with_its_address(photos: list[Path]) -> None:
    done = send(SimpleNamespace(url="http://127.0.0.1:9"), photos[0])
    assert done.exit_code == 1
    assert "Is http://127.0.0.1:9 right, and running?" in done.output


def test_where_the_store_takes_photos_they_go_straight_there(
    lamp: Installation, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"  # what it says of this host is not for us
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with open_house(tmp_path / "service", blobs=lamp.settings.blobs) as service:
        service.way.orders += [("POST", "/upload/direct", 503)]
        service.way.headers["Retry-After"] = "0"
        done = send(service, *photos[:2], "--ratio", "3")
        assert done.exit_code == 0, done.output
        assert [bright(photo).read_bytes() for photo in photos[:2]] == [PICTURE] * 2
        assert "POST /upload" not in service.way.calls
        assert {job.source_size for job in known(service.ports)} == {len(JPEG) + 1}
        through = send(service, photos[2], "--no-direct")
        assert through.exit_code == 0, through.output
        assert "POST /upload" in service.way.calls


def test_nothing_to_do_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["send"]).exit_code == 2


def test_a_form_is_as_long_as_it_says_and_reads_its_photo_in_pieces(tmp_path: Path) -> None:
    photo = tmp_path / "night.jpg"
    photo.write_bytes(JPEG)
    seen: list[int] = []
    with PhotoForm(photo, {"ratio": "auto"}, name="image", sent=seen.append) as form:
        pieces = []
        while some := form.read(1000):
            pieces.append(some)
        assert max(map(len, pieces)) <= 1000
        assert len(b"".join(pieces)) == len(form)
    assert b"night.jpg" not in b"".join(pieces)
    assert JPEG in b"".join(pieces)
    assert seen[-1] == len(JPEG)


def test_a_photo_that_shrinks_meanwhile_is_told(tmp_path: Path) -> None:
    photo = tmp_path / "night.jpg"
    photo.write_bytes(JPEG)
    with PhotoForm(photo, {}, name="image") as form:
        form.read(1 << 16)
        photo.write_bytes(b"")
        with pytest.raises(OSError, match="became shorter"):
            form.read(1 << 16)


@contextmanager
def stranger(*statuses: int, page: str) -> Iterator[tuple[str, list[str]]]:
    """What is no service of ours: answers each request with the next status and this page; and what it was asked."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    left, asked = list(statuses), []

    class Stranger(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append(f"{self.command} {self.path}")
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "/login")
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page.encode())

        do_GET = do_POST = answer  # noqa: N815 — as the library asks for them

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_service_that_speaks_no_json_is_told_in_its_own_words() -> None:
    with stranger(418, page="") as (url, _), pytest.raises(NotServed, match="said 418"):
        Remote(url=url, give_up_s=5).status("a", wait_s=0)


@pytest.mark.parametrize(
    ("statuses", "words", "times"),
    [
        ([401], "said 401 Unauthorized (Who are you & why?).", 1),
        ([403], "said 403 Forbidden (Who are you & why?).", 1),
        ([302, 200], "sent a page (Who are you & why?).", 2),
        ([200], "sent a page (Who are you & why?).", 1),
    ],
)
def test_a_proxy_that_wants_a_login_is_told_and_not_asked_again(
    statuses: list[int], words: str, times: int, photos: list[Path]
) -> None:
    page = "<html><head><title>Who are\n you &amp; why?</title><style>b{}</style></head><body>Log in</body></html>"
    with stranger(*statuses, page=page) as (url, asked):
        done = CliRunner().invoke(main, ["send", "--url", url, str(photos[0])])
    assert done.exit_code == 1
    assert words in done.output
    assert "Does a proxy before it want a login?" in done.output
    assert "b{}" not in done.output
    assert len(asked) == times


def test_a_login_page_is_taken_for_no_picture() -> None:
    with stranger(200, page="<title>Log in</title>") as (url, asked), pytest.raises(NotServed, match="want a login"):
        Remote(url=url, give_up_s=5).fetch("a", BytesIO(), size=9, got=print)
    assert asked == ["GET /result/a"]


def test_the_board_shows_a_bar_for_each_photo_under_way_within_its_width() -> None:
    target = Path("a")
    passages = [
        Passage(name="n" * 50 + ".jpg", target=target, stage="sending", share=0.5),
        Passage(name="b.jpg", target=target, stage="in line", note="3 before it, about 20 s"),
        Passage(name="c.jpg", target=target, stage="done"),
        Passage(name="d.jpg", target=target),
    ]
    shown = lines(passages, width=80)
    assert [line.split()[-1] for line in shown] == ["50%", "s", "more"]
    assert "████████········" in shown[0]
    assert max(map(len, shown)) < 80
    assert redraw(2, ["x"]) == "\x1b[2F\x1b[Jx\n"
