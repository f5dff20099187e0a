"""The form as it arrives in pieces of any size, and what is no form at all."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.form import LONGEST_S, Form
from api.spool import Spool
from jobs.errors import Refused
from tests.api.conftest import JPEG
from tests.api.test_uploads import MARK, body


class Pieces(BytesIO):
    """Gives at most so many bytes at a time, in turn."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        super().__init__(data)
        self._sizes = sizes
        self._turn = count()

    def read(self, size: int | None = -1) -> bytes:
        return super().read(self._sizes[next(self._turn) % len(self._sizes)])


def read(data: bytes, sizes: list[int]) -> tuple[dict[str, str], bytes | None]:
    """The text fields and the photo's bytes. Raises Refused."""
    with tempfile.TemporaryDirectory() as folder:
        form = Form(lambda: Spool(Path(folder), limit=1 << 20), lambda _: None)
        try:
            form.read(Pieces(data, sizes), MARK.encode())
            return form.fields, form.image and form.image.file.read()
        finally:
            form.close()


tricky = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\r\n", b"--", f"--{MARK}"[:-1].encode(), f"\r\n-{MARK}".encode(), b"\r", b"\n", b"x"]),
    max_size=20,
).map(b"".join)


@given(
    photo=tricky, ratio=st.text("0123456789.", max_size=5), sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5)
)
def test_however_it_arrives_it_is_the_same_form(photo: bytes, ratio: str, sizes: list[int]) -> None:
    whole = JPEG[:64] + photo
    data = body(("ratio", None, ratio.encode()), ("image", "n.jpg", whole), ("other", "f", photo))
    assert read(data, sizes) == ({"ratio": ratio}, whole)


@given(
    data=st.binary(max_size=600), cut=st.integers(0, 900), sizes=st.lists(st.integers(1, 400), min_size=1, max_size=3)
)
def test_whatever_else_arrives_is_refused_and_nothing_worse(data: bytes, cut: int, sizes: list[int]) -> None:
    good = body(("image", "n.jpg", JPEG[:600]))
    for bad in (data, good[:cut] + data, f"--{MARK}\r\n".encode() + data + good):
        with suppress(Refused):  # anything else that is raised fails this test
            read(bad, sizes)


def test_a_form_that_drips_in_for_ever_is_refused(tmp_path: Path) -> None:
    turns = count(0.0, LONGEST_S / 10)
    form = Form(lambda: Spool(tmp_path, limit=1 << 20), lambda _: None, monotonic=lambda: next(turns))
    with pytest.raises(Refused) as refused:
        form.read(Pieces(body(("image", "n.jpg", JPEG)), [1]), MARK.encode())
    form.close()
    assert (refused.value.code, refused.value.fault.status) == ("upload_too_slow", 408)
