"""A blob of S3 read as a file: one GET while it is read in order, another one after a leap or a lost connection."""

from __future__ import annotations

import io
from typing import Any

from jobs.clients import Declined, PermissionMissing, reaching
from jobs.errors import BlobNotFound, StoreBusy

TRIES = 4  # connections in a row that bring nothing


class S3Reader(io.RawIOBase):
    """Reads one version of an object, the one of this ETag or else the first met, and holds nothing of it.

    Raises BlobNotFound when there is none, or when it went after the first connection was lost; PermissionMissing when
    it is there, or may be, and this identity may not read it.
    """

    def __init__(self, client: Any, *, bucket: str, name: str, key: str, etag: str = "") -> None:
        super().__init__()
        self._client = client
        self._bucket = bucket
        self._name = name
        self._key = key
        self._at = 0
        self._etag = etag
        self._body: Any = None
        answer = self._ask()
        self._body, self._etag = answer["Body"], answer["ETag"]
        self._size: int = answer["ContentLength"]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError(f"{at} is before the blob's begin")
        if at != self._at:
            self._drop()
        self._at = at
        return at

    def readinto(self, into: memoryview | bytearray) -> int:  # type: ignore[override]
        if self._at >= self._size:
            return 0
        for _ in range(TRIES):
            piece = self._piece(len(into))
            if piece:
                into[: len(piece)] = piece
                self._at += len(piece)
                return len(piece)
            self._drop()
        raise StoreBusy(f"the connection for {self._name} is lost again and again")

    def close(self) -> None:
        self._drop()
        super().close()

    def _piece(self, most: int) -> bytes:
        """What comes next; nothing when the connection was lost."""
        try:
            with reaching(self._bucket):
                if self._body is None:
                    self._body = self._ask()["Body"]
                piece: bytes = self._body.read(most)
        except StoreBusy:
            return b""
        return piece

    def _ask(self) -> dict[str, Any]:
        request = {"Bucket": self._bucket, "Key": self._name}
        if self._at:
            request["Range"] = f"bytes={self._at}-"
        if self._etag:
            request["IfMatch"] = self._etag
        try:
            with reaching(self._bucket):
                answer: dict[str, Any] = self._client.get_object(**request)
        except Declined as no:
            if no.code not in ("NoSuchKey", "PreconditionFailed"):
                raise
            raise BlobNotFound(self._key) from None
        except PermissionMissing:
            if self._is_gone():
                raise BlobNotFound(self._key) from None
            raise
        return answer

    def _is_gone(self) -> bool:
        """Who may not list a bucket is told 403, not 404, for what is gone; but it may ask for this very name."""
        try:
            with reaching(self._bucket):
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._name, MaxKeys=1)
        except PermissionMissing:
            return False
        return all(each["Key"] != self._name for each in page.get("Contents", []))

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
