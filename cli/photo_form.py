"""A multipart form with one photo, read from its file as it goes out: memory does not grow with the photo."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, Self


class PhotoForm:
    """A body for `requests`: it has a length, and is read. Use it as a context; once, a second try needs another.

    `sent` is told how many bytes of the photo have been read so far. The photo's own name stays at home: the service
    needs none.
    """

    def __init__(
        self, photo: Path, fields: Mapping[str, str], *, name: str, sent: Callable[[int], None] = lambda _: None
    ) -> None:
        self._photo = photo
        self._mark = f"firstlight-{secrets.token_hex(16)}"
        self._sent = sent
        self._file: BinaryIO | None = None
        self._size = photo.stat().st_size
        text = "".join(
            f'--{self._mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in fields.items()
        )
        head = (
            f'--{self._mark}\r\nContent-Disposition: form-data; name="{name}"; filename="photo"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        self._before = (text + head).encode()
        self._after = f"\r\n--{self._mark}--\r\n".encode()
        self._length = len(self._before) + self._size + len(self._after)

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._mark}"

    def __len__(self) -> int:
        return self._length

    def __enter__(self) -> Self:
        self._file = self._photo.open("rb")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self, most: int = -1) -> bytes:
        """The next bytes, at most so many; none at the end. Raises OSError when the photo became shorter meanwhile."""
        if self._before:
            some, self._before = _cut(self._before, most)
            return some
        assert self._file is not None
        left = self._size - self._file.tell()
        if left > 0:
            some = self._file.read(left if most < 0 else min(most, left))
            if not some:
                raise OSError(f"{self._photo} became shorter while it was sent")
            self._sent(self._file.tell())
            return some
        some, self._after = _cut(self._after, most)
        return some


def _cut(words: bytes, most: int) -> tuple[bytes, bytes]:
    return (words, b"") if most < 0 else (words[:most], words[most:])
