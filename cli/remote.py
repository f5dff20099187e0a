"""A running service over HTTP: asked again, within bounds, when it is away, overloaded, or its answer was lost."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlsplit

import requests

from cli.photo_form import PhotoForm
from jobs.errors import FirstlightError

CONNECT_S, READ_S = 10.0, 60.0
TRIES = 6  # of a call whose answer does not come
FIRST_PAUSE_S = 1.0  # doubles with each further one
LATER = (429, 502, 503, 504)
LOCKED = (401, 403, 407)
STRANGER = "Does a proxy before it want a login? This program has none to give: use an address that needs none."
LONGEST_PAUSE_S = 60.0  # where the service does not say itself how long
CHUNK = 1 << 16
Sent = Callable[[int], None]
T = TypeVar("T")


def _unheard(_: str) -> None:
    """Nobody wants to know."""


class Stopped(FirstlightError):
    """The user has had enough."""


class NotServed(FirstlightError):
    """The service said no, or cannot be reached; a sentence with the cure. `code` is of the service's registry."""

    def __init__(self, sentence: str, *, code: str = "") -> None:
        self.code = code
        super().__init__(sentence)


class _Again(FirstlightError):
    """To be tried again: after `pause_s`, if the service said so."""

    def __init__(self, why: str, *, pause_s: float | None = None, asked: bool = False) -> None:
        self.pause_s = pause_s
        self.asked = asked
        super().__init__(why)


def _session() -> requests.Session:
    session = requests.Session()
    session.auth = lambda request: request  # else a line of ~/.netrc takes the place of our own Authorization
    return session


@dataclass(slots=True, kw_only=True)
class Remote:
    """One for each thread that sends. `give_up_s` bounds how long an overloaded service is asked again.

    `told` hears why, before each pause.
    """

    url: str
    give_up_s: float
    stop: threading.Event = field(default_factory=threading.Event)
    monotonic: Callable[[], float] = time.monotonic
    told: Callable[[str], None] = _unheard
    _session: requests.Session = field(default_factory=_session)

    def upload(self, photo: Path, fields: Mapping[str, str], *, key: str, sent: Sent) -> dict[str, Any]:
        """The receipt. However often the answer is lost, the same `key` makes one job. Raises NotServed, Stopped."""

        def body() -> PhotoForm:
            return PhotoForm(photo, fields, name="image", sent=self._heeding(sent))

        return _told(self._call("POST", "/upload", body=body, headers={"Idempotency-Key": key}))

    def invitation(self, size: int, wish: Mapping[str, Any]) -> dict[str, Any] | None:
        """How to send a photo straight into the store; None where the service takes photos itself."""
        try:
            answer = self._call("POST", "/upload/direct", json=dict(wish) | {"size": size})
        except NotServed as no:
            if no.code in ("no_direct_upload", "not_found", "method_not_allowed"):
                return None
            raise
        return _told(answer)

    def upload_directly(self, photo: Path, invited: Mapping[str, Any], *, sent: Sent) -> dict[str, Any]:
        """Fill the store's form, then confirm; both may be done again. The receipt. Raises NotServed, Stopped."""
        form = invited["upload"]

        def body() -> PhotoForm:
            return PhotoForm(photo, form["fields"], name="file", sent=self._heeding(sent))

        self._call("POST", form["url"], body=body)
        token = {"Authorization": f"Bearer {invited['owner_token']}"}
        return _told(self._call("POST", invited["confirm_url"], headers=token))

    def status(self, job_id: str, *, wait_s: int, etag: str = "") -> tuple[dict[str, Any] | None, str]:
        """How the photo stands, and its tag; None when that is what `etag` said, even after `wait_s`."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._call("GET", f"/status/{job_id}?wait={wait_s}", headers=headers)
        return (None if answer.status_code == 304 else _told(answer)), answer.headers.get("ETag", "")

    def fetch(self, job_id: str, file: BinaryIO, *, size: int, got: Sent) -> None:
        """The picture into `file`, which is empty. A broken connection goes on where it broke. Raises NotServed."""

        def take() -> None:
            have = file.tell()
            headers = {"Range": f"bytes={have}-"} if have else {}
            with self._asked("GET", f"/result/{job_id}", headers=headers, stream=True) as answer:
                if _is_page(answer):
                    raise _strange(answer)
                if have and answer.status_code != 206:
                    file.seek(0)
                    file.truncate()
                for some in answer.iter_content(CHUNK):
                    self._heed()
                    file.write(some)
                    got(file.tell())
            if file.tell() != size:
                file.seek(0)
                file.truncate()
                raise _Again("the picture came in part")

        self._patiently(take)

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: Callable[[], PhotoForm] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
    ) -> requests.Response:
        def ask() -> requests.Response:
            form: AbstractContextManager[PhotoForm | None] = body() if body else contextlib.nullcontext()
            with form as data:
                typed = {"Content-Type": data.content_type} if data else {}
                with self._asked(method, path, headers={**(headers or {}), **typed}, data=data, json=json) as answer:
                    return answer

        return self._patiently(ask)

    @contextlib.contextmanager
    def _asked(self, method: str, path: str, **request: Any) -> Iterator[requests.Response]:
        """Raises _Again and NotServed."""
        self._heed()
        url = urljoin(self.url.rstrip("/") + "/", path.lstrip("/") if path.startswith("/") else path)
        try:
            with self._session.request(method, url, timeout=(CONNECT_S, READ_S), **request) as answer:
                _check(answer)
                yield answer
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as lost:
            self._heed()
            raise _Again(f"{urlsplit(url).netloc} does not answer ({type(lost).__name__})") from lost
        except requests.RequestException as wrong:
            raise NotServed(f"{self.url} cannot be asked: {wrong}. Give --url as http://HOST:PORT.") from wrong

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again as the service says, else after pauses that double; within `give_up_s`, or a few tries unheard."""
        ends, unheard, pause = self.monotonic() + self.give_up_s, 0, FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except _Again as later:
                unheard = 0 if later.asked else unheard + 1
                wait_s = min(pause, LONGEST_PAUSE_S) if later.pause_s is None else later.pause_s
                why = str(later) if str(later).endswith(".") else f"{later}."
                if unheard >= TRIES or self.monotonic() + wait_s > ends:
                    when = f"Try again in {wait_s:.0f} s." if later.asked else f"Is {self.url} right, and running?"
                    raise NotServed(f"{why} {when}") from later
            pause *= 2
            self.told(f"{why} Trying again in {wait_s:.0f} s.")
            if self.stop.wait(wait_s):
                raise Stopped

    def _heed(self) -> None:
        if self.stop.is_set():
            raise Stopped

    def _heeding(self, sent: Sent) -> Sent:
        def told(number: int) -> None:
            self._heed()
            sent(number)

        return told


def _check(answer: requests.Response) -> None:
    """Raises _Again for what may pass, NotServed with the service's own words for what does not."""
    if answer.status_code < 400:
        return
    problem: dict[str, Any] = {}
    if "json" in answer.headers.get("Content-Type", ""):
        with contextlib.suppress(ValueError):
            problem = answer.json()
    told = " ".join(filter(None, [problem.get("detail") or problem.get("title"), problem.get("cure")]))
    words = told or _plain(answer)
    if answer.status_code in LATER:
        text = answer.headers.get("Retry-After", "")
        pause_s = float(text) if re.fullmatch(r"[0-9]{1,6}", text) else None
        raise _Again(words, pause_s=pause_s, asked=True)
    if _is_page(answer) and answer.status_code in LOCKED:
        words += f" {STRANGER}"
    raise NotServed(words, code=str(problem.get("code", "")))


def _told(answer: requests.Response) -> dict[str, Any]:
    """The service's words. Raises NotServed where they are somebody else's."""
    try:
        return answer.json()  # type: ignore[no-any-return]
    except ValueError:
        raise _strange(answer) from None


def _is_page(answer: requests.Response) -> bool:
    """The service shows pages to browsers alone."""
    return "html" in answer.headers.get("Content-Type", "")


def _strange(answer: requests.Response) -> NotServed:
    return NotServed(f"{urlsplit(answer.url).netloc} sent a page{_titled(answer.text)}. {STRANGER}")


def _plain(answer: requests.Response) -> str:
    """What somebody else said: a page's title, or the beginning of other words."""
    said = f"{urlsplit(answer.url).netloc} said {answer.status_code} {answer.reason}"
    if _is_page(answer):
        return f"{said}{_titled(answer.text)}."
    words = re.sub(r"<[^>]*>|\s+", " ", answer.text[:200]).strip()
    return f"{said}: {words}" if words else f"{said}."


def _titled(page: str) -> str:
    title = re.search(r"<title[^>]*>([^<]{1,200})", page[:10_000], re.IGNORECASE)
    return f" ({' '.join(unescape(title[1]).split())})" if title else ""
