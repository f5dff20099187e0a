"""/health: the service speaks. /ready: it can take a photo. /metrics: its figures."""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from flask import Blueprint, Response

from api.models import Health
from api.service import Service
from jobs.errors import Refused

log = logging.getLogger("firstlight.api")


def blueprint(service: Service) -> Blueprint:
    pages = Blueprint("health", __name__)

    @pages.get("/health")
    def health() -> Response:
        """Asks no store: a locked database is no reason to end the process."""
        return _fine()

    @pages.get("/ready")
    def ready() -> Response:
        if service.watcher.closing:
            raise Refused("not_in_service", retry_after_s=5)
        try:
            service.ports.ledger.read("none")  # one row: to count them costs by the row, and anybody may ask
        except sqlite3.Error as error:
            log.exception("the rows cannot be read")
            raise Refused("not_in_service", "What is known of the photos cannot be read.") from error
        if _room(Path(service.settings.spool)) < service.settings.max_photo_bytes:
            raise Refused("disk_full", retry_after_s=60)
        return _fine()

    @pages.get("/metrics")
    def metrics() -> Response:
        text = service.meters.text(service.ports, heartbeat_ms=int(service.settings.heartbeat_s * 1000))
        answer = Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return pages


def _fine() -> Response:
    answer = Response(Health().model_dump_json(), mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _room(folder: Path) -> int:
    """Bytes that we may still write there."""
    folder.mkdir(parents=True, exist_ok=True)
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
