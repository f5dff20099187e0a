"""Security headers on every answer: nothing is guessed, framed, or loaded from anywhere else."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response

from jobs.blobs import Blobs
from jobs.errors import StoreBusy

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; worker-src 'self'; "
    "img-src 'self' blob:{store}; connect-src 'self'{store}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


class Store:
    """Where links to results lead, as a browser names it: learned from the first link that can be signed."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._origin: str | None = None

    @property
    def origin(self) -> str:
        """`https://host`, or nothing where we serve results ourselves or cannot sign yet."""
        if self._origin is None:
            try:
                link = self._blobs.link("out/origin", seconds=60, filename="origin", media_type="image/jpeg")
            except StoreBusy:
                return ""
            parts = urlsplit(link or "")
            self._origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        return self._origin


def install(app: Flask, *, store: Store, shared: bool) -> None:
    """Pages may show what lies in the store and send to it; `shared`: pages of other origins may use our answers."""

    @app.after_request
    def guard(answer: Response) -> Response:
        headers = answer.headers
        is_page = answer.mimetype in ("text/html", "text/css", "text/javascript")
        if is_page:
            origin = f" {store.origin}" if store.origin else ""
            headers.setdefault("Content-Security-Policy", PAGE_POLICY.format(store=origin))
        headers.setdefault("Content-Security-Policy", DATA_POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"  # the address of a photo is the key to it
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if shared else "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer
