"""A multipart form read as it arrives: text fields into memory, the photo into the spool.

── bytes ──▶ decoder ──▶ Field · Data… ──▶ fields, each checked at once
                     └─▶ File  · Data… ──▶ Spool.write
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from api.spool import Spool
from jobs.errors import Refused

CHUNK = 1 << 16
MOST_MEMORY = 1 << 20  # what the decoder may hold: a part's headers, or bytes that may be a boundary
MOST_PARTS = 32
MOST_TEXT = 1024  # bytes of one text field
LONGEST_S = 1800.0  # of one upload; a client that drips bytes would hold its place for ever
FIELDS = ("ratio", "format", "again")


class Form:
    """The fields and at most one photo. `check` is called after each text field and may raise Refused."""

    def __init__(
        self,
        spool: Callable[[], Spool],
        check: Callable[[dict[str, str]], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fields: dict[str, str] = {}
        self.image: Spool | None = None
        self._spool = spool
        self._check = check
        self._name: str | None = None
        self._text = bytearray()
        self._monotonic = monotonic

    def read(self, stream: IO[bytes], boundary: bytes) -> None:
        """Take the whole body in.

        Raises Refused (malformed_request, image_missing, upload_too_slow, and what the spool and `check` refuse).
        """
        ends = self._monotonic() + LONGEST_S
        decoder = MultipartDecoder(boundary, MOST_MEMORY, max_parts=MOST_PARTS)
        with _malformed_refused():
            while True:
                event = decoder.next_event()
                if isinstance(event, Epilogue):
                    break
                if isinstance(event, NeedData):
                    if self._monotonic() > ends:
                        raise Refused("upload_too_slow", f"It may take {LONGEST_S // 60:.0f} minutes.")
                    decoder.receive_data(_chunk(stream))
                else:
                    self._take(event)
        if self.image is not None:
            self.image.finish()

    def close(self) -> None:
        if self.image is not None:
            self.image.close()

    def _take(self, event: Event) -> None:
        if isinstance(event, File):
            self._begin_file(event)
        elif isinstance(event, Field):
            self._name = event.name
            self._text.clear()
            if event.name == "image":
                raise Refused("image_missing", "The field `image` holds text, not a file.")
        elif isinstance(event, Data):
            self._data(event)

    def _begin_file(self, event: File) -> None:
        self._name = event.name
        if event.name in FIELDS:
            raise Refused("malformed_request", f"The field `{event.name}` is a file, not text.")
        if event.name == "image":
            if self.image is not None:
                raise Refused("malformed_request", "Send one photo at a time: the field `image` came twice.")
            self.image = self._spool()

    def _data(self, event: Data) -> None:
        if self._name == "image" and self.image is not None:
            self.image.write(event.data)
        elif self._name in FIELDS:
            self._text += event.data
            if len(self._text) > MOST_TEXT:
                raise Refused("malformed_request", f"The field `{self._name}` is too long.")
            if not event.more_data:
                if self._name in self.fields:
                    raise Refused("malformed_request", f"The field `{self._name}` came twice.")
                self.fields[self._name] = self._text.decode(errors="replace")
                self._check(self.fields)


def _chunk(stream: IO[bytes]) -> bytes | None:
    """The next bytes of the body, None at its end. Raises Refused when the client went away."""
    try:
        return stream.read(CHUNK) or None
    except (OSError, ClientDisconnected) as error:
        raise Refused("malformed_request", "The upload ended before its end.") from error


@contextmanager
def _malformed_refused() -> Iterator[None]:
    try:
        yield
    except (ValueError, RequestEntityTooLarge) as error:
        raise Refused("malformed_request", "The body is no whole multipart form.") from error
