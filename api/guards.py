"""Security headers on every answer: nothing is guessed, framed, or loaded from anywhere else."""

from __future__ import annotations

from flask import Flask, Response

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


def install(app: Flask, *, shared: bool) -> None:
    """`shared`: pages of other origins may use what we answer."""

    @app.after_request
    def guard(answer: Response) -> Response:
        headers = answer.headers
        is_page = answer.mimetype in ("text/html", "text/css", "text/javascript")
        headers.setdefault("Content-Security-Policy", PAGE_POLICY if is_page else DATA_POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "no-referrer"  # the address of a photo is the key to it
        headers["Cross-Origin-Resource-Policy"] = "cross-origin" if shared else "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer
