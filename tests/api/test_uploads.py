"""What POST /upload takes and refuses."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.spool import Spool
from jobs.errors import FAULTS, Refused
from photos.errors import CodecDied, SandboxUnavailable
from tests.api.conftest import FACTS, JPEG, House, unreadable

MARK = "----mark"


def body(*parts: tuple[str, str | None, bytes], end: bytes = b"--\r\n") -> bytes:
    """A form of (name, file name, bytes)."""
    out = b""
    for name, filename, data in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        out += f'--{MARK}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"
    return out + f"--{MARK}".encode() + end


def post(house: House, data: bytes, **headers: str) -> Any:
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    return house.client.post(
        "/upload", data=data, headers={"Content-Type": f"multipart/form-data; boundary={MARK}"} | own
    )


class Stream:
    """A form on its way, and how many of its bytes the server took."""

    def __init__(self, data: bytes, *, before_the_end: Callable[[], None] = lambda: None) -> None:
        self.data = data
        self.headers = {
            "Content-Type": f"multipart/form-data; boundary={MARK}",
            "Content-Length": str(len(data)),
        }
        self.taken = 0
        self._before_the_end = before_the_end

    def read(self, size: int) -> bytes:
        self._before_the_end()
        chunk = self.data[self.taken : self.taken + size]
        self.taken += len(chunk)
        return chunk


def refusal(answer: Any) -> str:
    """The problem's code, once the whole answer is what the contract says of one."""
    assert answer.mimetype == "application/problem+json", answer.text
    problem = answer.get_json()
    fault = FAULTS[problem["code"]]
    assert set(problem) == {"type", "title", "status", "code", "detail", "cure"}
    assert (problem["status"], problem["title"], problem["cure"]) == (answer.status_code, fault.title, fault.cure)
    assert answer.status_code == fault.status
    return str(problem["code"])


def left(house: House) -> list[Path]:
    """Files that the house keeps besides its database."""
    root = Path(house.settings.spool).parent
    return [path for path in root.rglob("*") if path.is_file() and "jobs.db" not in path.name]


@pytest.mark.parametrize(
    ("ratio", "taken"),
    [("auto", None), ("", None), ("1", 1.0), ("300", 300.0), ("2.5", 2.5), ("007", 7.0)],
)
def test_a_ratio_is_auto_or_a_number_in_range(house: House, ratio: str, taken: float | None) -> None:
    job = house.ports.ledger.read(house.uploaded(ratio=ratio)["id"])
    assert job is not None
    assert job.ratio == taken


@pytest.mark.parametrize(
    "ratio",
    ["nan", "NaN", "-1", "0.5", "0", "1e9", "inf", "300.01", "301", "1e2", "+5", " 5", "5 ", "0x10", "٣", "1_0"],
)
def test_any_other_ratio_is_refused(house: House, ratio: str) -> None:
    assert refusal(house.upload(ratio=ratio)) == "bad_ratio"
    assert left(house) == []


def test_without_a_ratio_or_format_the_photo_decides_and_jpeg_is_written(house: House) -> None:
    job = house.ports.ledger.read(house.uploaded()["id"])
    assert job is not None
    assert (job.ratio, job.format, job.photo) == (None, "jpeg", FACTS.to_json())


@pytest.mark.parametrize("name", ["jpeg", "png", "webp", "tiff"])
def test_the_four_formats_are_taken(house: House, name: str) -> None:
    job = house.ports.ledger.read(house.uploaded(format=name)["id"])
    assert job is not None
    assert job.format == name


@pytest.mark.parametrize("name", ["gif", "JPEG", "jpg", "../png"])
def test_any_other_format_is_refused(house: House, name: str) -> None:
    assert refusal(house.upload(format=name)) == "bad_format"


def test_fields_may_come_after_the_photo(house: House) -> None:
    answer = post(house, body(("image", "n.jpg", JPEG), ("other", None, b"x"), ("ratio", None, b"7")))
    job = house.ports.ledger.read(answer.get_json()["id"])
    assert job is not None
    assert job.ratio == 7


def test_a_bad_field_before_the_photo_is_refused_before_the_photo_is_read(house: House) -> None:
    stream = Stream(body(("ratio", None, b"0.5"), ("image", "n.jpg", JPEG + bytes(4_000_000))))
    answer = house.send(stream, stream.headers)
    assert refusal(answer) == "bad_ratio"
    assert answer.taken < 200_000


def test_a_photo_of_no_known_kind_is_refused_before_it_is_all_read(house: House) -> None:
    assert refusal(house.upload(b"GIF89a" + bytes(400_000))) == "unsupported_format"
    assert house.hands.probed == []
    assert left(house) == []


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([], "image_missing"),
        ([("ratio", None, b"2")], "image_missing"),
        ([("image", "", b"")], "image_missing"),
        ([("image", "n.jpg", b"")], "image_missing"),
        ([("image", None, JPEG)], "image_missing"),
        ([("image", "a.jpg", JPEG), ("image", "b.jpg", JPEG)], "malformed_request"),
        ([("ratio", None, b"2"), ("ratio", None, b"3"), ("image", "a.jpg", JPEG)], "malformed_request"),
        ([("ratio", "ratio.txt", b"2"), ("image", "a.jpg", JPEG)], "malformed_request"),
        ([("format", None, b"p" * 2000), ("image", "a.jpg", JPEG)], "malformed_request"),
        ([(f"f{n}", None, b"") for n in range(40)], "malformed_request"),
    ],
)
def test_a_form_without_exactly_one_photo_is_refused(
    house: House, parts: list[tuple[str, str | None, bytes]], code: str
) -> None:
    assert refusal(post(house, body(*parts))) == code
    assert left(house) == []


@pytest.mark.parametrize(
    "data",
    [
        b"no form at all",
        body(("image", "n.jpg", JPEG))[:-30],
        f"--{MARK}\r\nContent-Type: text/plain\r\n\r\nx\r\n--{MARK}--".encode(),
        f"--{MARK}\r\n".encode() + b"X: y\r\n" * 300_000,
        f'--{MARK}\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n'.encode("latin1"),
    ],
)
def test_a_body_that_is_no_whole_form_is_refused(house: House, data: bytes) -> None:
    assert refusal(post(house, data)) == "malformed_request"
    assert left(house) == []


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content-Type": "image/jpeg"}, "not_a_form"),
        ({"Content-Type": "application/json"}, "not_a_form"),
        ({"Content-Type": ""}, "not_a_form"),
        ({"Content-Type": "multipart/form-data"}, "malformed_request"),
        ({"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}, "malformed_request"),
        ({"Content-Length": "100065537"}, "photo_too_large"),
        ({"Content-Length": "0"}, "image_missing"),
        ({"Transfer-Encoding": "chunked"}, "length_required"),
        ({"Idempotency-Key": "short"}, "bad_idempotency_key"),
        ({"Idempotency-Key": "x" * 129}, "bad_idempotency_key"),
        ({"Idempotency-Key": "sixteen and a \x7f"}, "bad_idempotency_key"),
    ],
)
def test_bad_headers_are_refused_without_reading_the_body(house: House, headers: dict[str, str], code: str) -> None:
    stream = Stream(bytes(5000))
    answer = house.send(stream, stream.headers | headers)
    assert refusal(answer) == code
    assert answer.taken == 0
    assert house.hands.ensured == []


def test_without_a_length_an_upload_is_refused(house: House) -> None:
    stream = Stream(b"")
    assert refusal(house.send(stream, {"Content-Type": stream.headers["Content-Type"]})) == "length_required"


def test_a_photo_over_the_limit_is_refused_however_long_the_form_says_it_is(build: Any) -> None:
    house = build(max_photo_bytes=10_000)
    assert refusal(house.upload(JPEG[:10_000] + b"x")) == "photo_too_large"
    assert house.upload(JPEG[:10_000]).status_code == 202
    assert refusal(house.upload(JPEG + bytes(100_000))) == "photo_too_large"


@pytest.mark.parametrize(
    "code",
    [
        "unsupported_format",
        "unreadable_photo",
        "too_many_pixels",
        "photo_too_small",
        "photo_too_wide",
        "animated_photo",
        "cmyk_photo",
        "photo_kills_decoder",
        "photo_needs_too_much_memory",
        "photo_too_slow",
    ],
)
def test_what_the_probe_says_of_a_photo_is_the_answer(house: House, code: str) -> None:
    house.hands.finding = unreadable(code)
    answer = house.upload()
    assert refusal(answer) == code
    assert answer.get_json()["detail"] == f"It is {code}."
    assert left(house) == []
    assert house.ports.ledger.waiting() == 0


def test_a_photo_that_the_wanted_format_cannot_hold_is_refused_before_it_is_kept(house: House) -> None:
    house.hands.finding = replace(FACTS, width=16_384)
    answer = house.upload(format="webp")
    assert refusal(answer) == "bad_format"
    assert "16,383" in answer.get_json()["detail"]
    assert left(house) == []
    long = house.uploaded(format="png")
    assert refusal(post(house, body(("again", None, long["id"].encode()), ("format", None, b"webp")))) == "bad_format"
    assert house.ports.ledger.waiting() == 1


def test_a_lost_decoder_is_asked_once_more_and_then_the_caller_is_told_to_come_back(house: House) -> None:
    house.hands.finding = CodecDied("lost")
    answer = house.upload()
    assert refusal(answer) == "not_in_service"
    assert int(answer.headers["Retry-After"]) > 0
    assert len(house.hands.probed) == 2


def test_without_the_sandbox_that_must_be_no_photo_is_read(house: House) -> None:
    house.hands.finding = SandboxUnavailable("seccomp")
    assert refusal(house.upload()) == "not_in_service"
    assert len(house.hands.probed) == 1


def test_a_full_disk_is_said_to_be_one(house: House) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(JPEG) // 2, before[1]))
    try:
        answer = house.upload()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refusal(answer) == "disk_full"
    assert int(answer.headers["Retry-After"]) > 0
    assert left(house) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_disk_that_fills_up_under_a_photo_is_said_to_be_full(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=1 << 20)
    spool.file.close()
    with Path("/dev/full").open("wb", buffering=0) as spool.file, pytest.raises(Refused) as refused:
        spool.write(JPEG)
    assert refused.value.code == "disk_full"


def test_a_spooled_photo_has_no_name_and_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, limit=1 << 20)
    spool.write(JPEG)
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_a_client_that_goes_away_leaves_nothing(house: House) -> None:
    stream = Stream(body(("image", "n.jpg", JPEG + bytes(100_000))))
    stream.data = stream.data[:50_000]
    assert refusal(house.send(stream, stream.headers)) == "malformed_request"
    assert left(house) == []
    assert house.ports.ledger.waiting() == 0


def test_a_machine_is_asked_for_while_the_photo_is_still_arriving(house: House) -> None:
    ensured: list[str] = []

    def arriving() -> None:
        ensured.extend(house.asked())

    stream = Stream(body(("image", "n.jpg", JPEG)), before_the_end=arriving)
    assert house.send(stream, stream.headers).status_code == 202
    assert "upload" in ensured


def test_the_same_key_gives_the_same_photo_and_token(house: House) -> None:
    key = {"Idempotency-Key": "a key of sixteen"}
    first, second = house.upload(headers=key), house.upload(headers=key)
    assert first.status_code == second.status_code == 202
    assert first.get_json() == second.get_json()
    assert house.ports.ledger.waiting() == 1


def test_the_same_key_for_another_request_is_refused(house: House) -> None:
    key = {"Idempotency-Key": "a key of sixteen"}
    house.upload(headers=key)
    assert refusal(house.upload(JPEG + b"another", headers=key)) == "key_reused"
    assert refusal(house.upload(ratio="3", headers=key)) == "key_reused"


def test_the_key_of_a_deleted_photo_is_spent(house: House) -> None:
    key = {"Idempotency-Key": "a key of sixteen"}
    accepted = house.upload(headers=key).get_json()
    house.client.delete(f"/upload/{accepted['id']}", headers={"Authorization": f"Bearer {accepted['owner_token']}"})
    assert refusal(house.upload(headers=key)) == "key_spent"


def test_another_visitor_may_use_the_same_key(build: Any) -> None:
    house = build(trusted_proxies=1)
    ids = {
        house.upload(headers={"Idempotency-Key": "a key of sixteen", "X-Forwarded-For": address}).get_json()["id"]
        for address in ("192.0.2.1", "192.0.2.2")
    }
    assert len(ids) == 2


def test_uploads_in_the_same_instant_get_different_ids_that_tell_nothing(house: House) -> None:
    ids = {house.uploaded()["id"] for _ in range(20)}
    assert len(ids) == 20
    assert all(each[14] == "4" for each in ids)


def test_again_enhances_a_copy_of_the_same_photo(house: House) -> None:
    first = house.uploaded()
    house.finish(first["id"])
    answer = post(house, body(("again", None, first["id"].encode()), ("ratio", None, b"9")))
    assert answer.status_code == 202
    job = house.ports.ledger.read(answer.get_json()["id"])
    assert job is not None
    assert (job.ratio, job.source_size, job.photo) == (9.0, len(JPEG), FACTS.to_json())
    house.client.delete(f"/upload/{first['id']}", headers={"Authorization": f"Bearer {first['owner_token']}"})
    with house.ports.blobs.open(job.source_key) as kept:
        assert kept.read() == JPEG


def test_again_of_nothing_is_not_found(house: House) -> None:
    assert refusal(post(house, body(("again", None, b"00000000-0000-4000-8000-000000000000")))) == "not_found"
    assert refusal(post(house, body(("again", None, b"../../etc/passwd")))) == "not_found"


def test_again_of_an_original_that_is_gone_says_so(house: House) -> None:
    first = house.uploaded()
    house.ports.blobs.delete(f"in/{first['id']}")
    assert refusal(post(house, body(("again", None, first["id"].encode())))) == "source_gone"


def test_a_photo_and_again_together_are_refused(house: House) -> None:
    first = house.uploaded()
    answer = post(house, body(("again", None, first["id"].encode()), ("image", "n.jpg", JPEG)))
    assert refusal(answer) == "malformed_request"


def test_a_browsers_form_is_sent_on_to_the_photos_page(house: House) -> None:
    answer = house.upload(headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})
    assert answer.status_code == 303
    assert house.client.get(answer.headers["Location"]).status_code == 200


def test_a_browsers_form_reads_its_refusal_as_a_page(house: House) -> None:
    answer = house.upload(b"", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert FAULTS["image_missing"].cure.replace("`", "`") in answer.text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/json, text/html", "image/png", ""])
def test_everybody_else_reads_json(house: House, accept: str) -> None:
    assert house.upload(headers={"Accept": accept}).mimetype == "application/json"
