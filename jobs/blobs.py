"""Bytes by key: photos as they came and pictures as they go; kept in a folder on a laptop, in S3 in the cloud."""

from __future__ import annotations

import base64
import io
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from jobs.arrival import Arrival, SignedForm
from jobs.clients import Clients, Declined, reaching
from jobs.errors import BlobExists, BlobNotFound, StoreBusy
from jobs.s3_reader import S3Reader
from jobs.span import rewindable
from jobs.stored import Stored, copied, holds, measured


class Blobs(Protocol):
    """Bytes by key, whole or not at all: a reader sees all of a blob or none of it.

    Keys are `in/<id>` for photos and `out/<id>/<token>` for results.
    """

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        """Store what `source` holds from where it stands; memory does not grow with it. Durable once this returns.

        With `if_absent` a blob already there stays: the same bytes count as success (a retried write whose answer was
        lost), other bytes raise BlobExists.
        """

    def open(self, key: str, *, version: str = "") -> BinaryIO:
        """The blob for reading and seeking. Raises BlobNotFound, also when these bytes are not that version's."""

    def look(self, key: str, *, first: int) -> Arrival:
        """Length, version and at most so many first bytes, by one read. Raises BlobNotFound."""

    def copy(self, source: str, target: str) -> None:
        """Raises BlobNotFound."""

    def delete(self, key: str) -> None:
        """A blob already gone is fine."""

    def keys(self, prefix: str) -> Iterator[str]:
        """The keys below a prefix that ends in `/`."""

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:
        """A URL that reads this blob for so long without a password; None where the API serves the bytes itself."""

    def admit(self, key: str, *, size: int, seconds: int) -> SignedForm | None:
        """A form that puts exactly `size` bytes under this key; None where the API takes the bytes itself."""


_KEY = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_CHUNK = 1 << 20
FOLDER_TRIES = 20
S3_TRIES = 10
ABANDONED_NS = 24 * 3600 * 10**9


class FolderBlobs:
    """Blobs in a folder: a file a key, written beside and renamed into place."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._arriving = self._folder / ".arriving"
        for left in self._arriving.glob("*"):  # by a process that was killed while it wrote
            with suppress(FileNotFoundError):  # or somebody else tidies up
                if time.time_ns() - left.stat().st_mtime_ns > ABANDONED_NS:
                    left.unlink()

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        target = self._path(key)
        self._arriving.mkdir(parents=True, exist_ok=True)
        arriving = self._arriving / uuid.uuid4().hex
        try:
            with arriving.open("xb") as file:
                stored = copied(source, file)
                file.flush()
                os.fsync(file.fileno())
            self._settle(arriving, target, stored, if_absent=if_absent)
        finally:
            arriving.unlink(missing_ok=True)
        return stored

    def open(self, key: str, *, version: str = "") -> BinaryIO:
        try:
            file = self._path(key).open("rb")
        except (FileNotFoundError, IsADirectoryError):
            raise BlobNotFound(key) from None
        if version and version != _version(file):
            file.close()
            raise BlobNotFound(key)
        return file

    def look(self, key: str, *, first: int) -> Arrival:
        with self.open(key) as file:
            return Arrival(size=os.fstat(file.fileno()).st_size, head=file.read(first), version=_version(file))

    def copy(self, source: str, target: str) -> None:
        with self.open(source) as file:
            self.put(target, file)

    def delete(self, key: str) -> None:
        path = self._path(key)
        path.unlink(missing_ok=True)
        if key.count("/") > 1:
            try:
                path.parent.rmdir()  # an emptied out/<id>
            except OSError:
                return  # it holds others, or went already

    def keys(self, prefix: str) -> Iterator[str]:
        root = self._path(prefix.rstrip("/"))
        for folder, _, names in os.walk(root):
            for name in names:
                yield (Path(folder) / name).relative_to(self._folder).as_posix()

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:  # noqa: ARG002 — the port's words
        return None

    def admit(self, key: str, *, size: int, seconds: int) -> SignedForm | None:  # noqa: ARG002 — the port's words
        return None

    def _settle(self, arriving: Path, target: Path, stored: Stored, *, if_absent: bool) -> None:
        """Give the bytes their name; again when a `delete` beside it took the folder away just then."""
        for _ in range(FOLDER_TRIES):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if if_absent:
                    os.link(arriving, target)
                else:
                    arriving.replace(target)
            except FileExistsError:
                if (same := holds(target, stored)) is None:
                    continue
                if not same:
                    raise BlobExists(target.relative_to(self._folder).as_posix()) from None
            except FileNotFoundError:
                continue
            with suppress(FileNotFoundError):  # deleted since
                _sync_folder(target.parent)
            return
        raise StoreBusy(f"{target} cannot be written: its folder vanishes again and again")

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise BlobNotFound(key)
        return self._folder / key


class S3Blobs:
    """Blobs in a bucket, below a prefix. Each carries its sha256, by which S3 refuses bytes that changed on their way.

    One PUT stores a blob and one GET reads it in order. A photo fits one PUT (5 GB), so there are no parts to clean up.
    """

    def __init__(self, bucket: str, prefix: str, clients: Clients) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._clients = clients

    def put(self, key: str, source: BinaryIO, *, if_absent: bool = False) -> Stored:
        name = self._name(key)
        with rewindable(source) as span:
            stored = measured(span)
            request = {
                "Bucket": self._bucket,
                "Key": name,
                "ContentLength": stored.size,
                "ChecksumSHA256": base64.b64encode(bytes.fromhex(stored.sha256)).decode(),
                "Metadata": {"sha256": stored.sha256},
            }
            for _ in range(S3_TRIES):
                span.seek(0)
                if not if_absent:
                    self._ask("put_object", Body=span, **request)
                    return stored
                try:
                    self._ask("put_object", Body=span, IfNoneMatch="*", **request)
                except Declined as no:
                    if no.code not in ("PreconditionFailed", "ConditionalRequestConflict"):
                        raise
                    if (same := self._holds(name, stored)) is None:
                        continue  # it went again, or another's is just arriving
                    if not same:
                        raise BlobExists(key) from None
                return stored
        raise StoreBusy(f"{name} cannot be written: others write and delete it again and again")

    def open(self, key: str, *, version: str = "") -> BinaryIO:
        name = self._name(key)
        reader = S3Reader(self.client(), bucket=self._bucket, name=name, key=key, etag=version)
        return io.BufferedReader(reader, _CHUNK)

    def look(self, key: str, *, first: int) -> Arrival:
        try:
            answer = self._ask("get_object", Bucket=self._bucket, Key=self._name(key), Range=f"bytes=0-{first - 1}")
        except Declined as no:
            if no.code == "InvalidRange":  # it holds nothing
                return Arrival(size=0, head=b"", version="")
            if no.code != "NoSuchKey":
                raise
            raise BlobNotFound(key) from None
        with reaching(self._bucket), answer["Body"] as body:
            size = int(answer["ContentRange"].rpartition("/")[2])
            return Arrival(size=size, head=body.read(), version=answer["ETag"])

    def copy(self, source: str, target: str) -> None:
        origin = {"Bucket": self._bucket, "Key": self._name(source)}
        try:
            self._ask("copy_object", Bucket=self._bucket, Key=self._name(target), CopySource=origin)
        except Declined as no:
            if no.code != "NoSuchKey":
                raise
            raise BlobNotFound(source) from None

    def delete(self, key: str) -> None:
        self._ask("delete_object", Bucket=self._bucket, Key=self._name(key))

    def keys(self, prefix: str) -> Iterator[str]:
        below = self._name(prefix.rstrip("/")) + "/"
        more: dict[str, str] = {}
        while True:
            page = self._ask("list_objects_v2", Bucket=self._bucket, Prefix=below, **more)
            for each in page.get("Contents", []):
                yield each["Key"].removeprefix(self._prefix)
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def link(self, key: str, *, seconds: int, filename: str, media_type: str) -> str | None:
        asked = {
            "Bucket": self._bucket,
            "Key": self._name(key),
            "ResponseContentDisposition": f'attachment; filename="{filename}"',
            "ResponseContentType": media_type,
        }
        with reaching(self._bucket):
            url: str = self.client().generate_presigned_url("get_object", Params=asked, ExpiresIn=seconds)
        return url

    def admit(self, key: str, *, size: int, seconds: int) -> SignedForm | None:
        fields = {"success_action_status": "201"}
        conditions = [["content-length-range", size, size], fields]
        with reaching(self._bucket):
            post = self.client().generate_presigned_post(
                self._bucket, self._name(key), Fields=dict(fields), Conditions=conditions, ExpiresIn=seconds
            )
        return SignedForm(url=post["url"], fields=post["fields"])

    def client(self) -> Any:
        """What speaks to S3; made at the first call."""
        return self._clients.client("s3")

    def _holds(self, name: str, stored: Stored) -> bool | None:
        """Whether the blob has these bytes, by the digest it carries; None when there is none."""
        try:
            head = self._ask("head_object", Bucket=self._bucket, Key=name)
        except Declined as no:
            if no.code not in ("404", "NoSuchKey"):
                raise
            return None
        return bool(head["Metadata"].get("sha256") == stored.sha256)

    def _ask(self, operation: str, **request: Any) -> dict[str, Any]:
        with reaching(self._bucket):
            answer: dict[str, Any] = getattr(self.client(), operation)(**request)
        return answer

    def _name(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise BlobNotFound(key)
        return self._prefix + key


def _version(file: BinaryIO) -> str:
    """Tells the bytes of a file from those of another that took its place."""
    facts = os.fstat(file.fileno())
    return f"{facts.st_ino}-{facts.st_mtime_ns}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
