"""Which other origins' pages may call: CORS as ALLOWED_ORIGINS says, preflights answered."""

from __future__ import annotations

from flask import Flask, Response, request

EXPOSED = "Location, Retry-After, ETag, Content-Disposition"
METHODS = "GET, HEAD, POST, DELETE"
HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Range"
PREFLIGHT_S = 600


def allowed_origins(setting: str) -> frozenset[str]:
    """`https://a.example, https://b.example/` → the origins as browsers write them; `*` is every origin."""
    return frozenset(origin.strip().rstrip("/").lower() for origin in setting.split(",") if origin.strip())


def install(app: Flask, allowed: frozenset[str]) -> None:
    """Answer preflights of allowed origins, and let their pages read the answers."""

    def named() -> str | None:
        origin = request.headers.get("Origin", "")
        return origin if origin and (origin.lower() in allowed or "*" in allowed) else None

    @app.before_request
    def preflight() -> Response | None:
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or not named():
            return None
        answer = Response(status=204)
        answer.headers["Access-Control-Allow-Methods"] = METHODS
        answer.headers["Access-Control-Allow-Headers"] = HEADERS
        answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        return answer

    @app.after_request
    def mark(answer: Response) -> Response:
        if allowed:
            answer.vary.add("Origin")
        if origin := named():
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Expose-Headers"] = EXPOSED
        return answer
