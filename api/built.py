"""The built page: what `firstlight page` put into a folder, given out as browsers may keep it.

/            index.html, asked for anew each time, with this service's terms written into it
/assets/…    files that carry their content's hash in their name, kept for ever
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory
from werkzeug.security import safe_join

from api.guards import Store
from api.service import Service
from jobs.errors import Refused

FOR_EVER = "public, max-age=31536000, immutable"
TERMS = '<meta name="firstlight-terms" content="{}"'
CODINGS = (("br", ".br"), ("gzip", ".gz"))  # the smaller first


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The folder that the build publishes into; it may be filled, or filled anew, at any time."""

    folder: Path
    service: Service
    store: Store

    def index(self) -> Response | None:
        """The page, or None where none is built."""
        try:
            text = (self.folder / "index.html").read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        answer = Response(text.replace(TERMS.format(""), TERMS.format(escape(self._terms()))), mimetype="text/html")
        answer.headers["Cache-Control"] = "no-cache"
        answer.add_etag()
        answer.make_conditional(request)
        return answer

    def _terms(self) -> str:
        settings = self.service.settings
        terms = {"largest": settings.max_photo_bytes, "kept": settings.keep_s, "direct": bool(self.store.origin)}
        return json.dumps(terms)


def blueprint(built: Built) -> Blueprint:
    pages = Blueprint("built", __name__)
    assets = built.folder / "assets"

    @pages.get("/assets/<name>")
    def asset(name: str) -> Response:
        path = safe_join(str(assets), name)
        if path is None or name.endswith((".br", ".gz")) or not Path(path).is_file():
            raise Refused("not_found")
        for coding, suffix in CODINGS:
            if request.accept_encodings[coding] and Path(path + suffix).is_file():
                answer = send_from_directory(assets, name + suffix, mimetype=_media_type(name))
                answer.headers["Content-Encoding"] = coding
                break
        else:
            answer = send_from_directory(assets, name, mimetype=_media_type(name))
        answer.headers["Cache-Control"] = FOR_EVER
        answer.vary.add("Accept-Encoding")
        return answer

    return pages


def _media_type(name: str) -> str:
    """Of the few kinds that a build makes; a system's own table may know JavaScript by an old name."""
    texts = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    kinds = texts | {".jpg": "image/jpeg", ".webp": "image/webp"}
    return kinds.get(Path(name).suffix, "application/octet-stream")
