"""Signed links into the store: where it gives them, photos and pictures go past us to whoever looks at them."""

from __future__ import annotations

from flask import Response

from api.service import Service

LINK_S = 300


def linked(service: Service, key: str, *, name: str, media_type: str) -> Response | None:
    """A redirect to a link that reads this blob for LINK_S seconds; None where we serve the bytes ourselves.

    The answer may not be kept: the link ends before the picture does. Raises StoreBusy.
    """
    link = service.ports.blobs.link(key, seconds=LINK_S, filename=name, media_type=media_type)
    if link is None:
        return None
    return Response(status=302, headers={"Location": link, "Cache-Control": "no-store"})
