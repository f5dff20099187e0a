"""The entry point of a WSGI server: `api.wsgi:app`. Loaded in every process that serves, after its fork."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import cast

from flask import Flask

from api.app import create_app
from api.meters import Meters
from api.server import ROOT
from api.shutdown import let_go_on_shutdown
from api.warden import guard_loop
from fleet.fleets import open_fleet
from fleet.launcher import Launcher
from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import Settings
from photos.codec import Codec
from photos.errors import CodecDied, SandboxUnavailable
from photos.limits import Limits
from photos.sandbox import Mode

log = logging.getLogger("firstlight.api")


def application() -> Flask:
    """The app that the environment's settings describe."""
    environ = dict(os.environ)  # noqa: TID251 — the entry point
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings.read(environ)
    ports = open_ports(settings, clock=now_ms)
    ports.warm()
    codec = Codec(sandbox=cast("Mode", settings.sandbox), limits=Limits(file_bytes=settings.max_photo_bytes))
    made = create_app(
        settings,
        ports=ports,
        launcher=Launcher(ports, settings, open_fleet(settings, ports)),
        codec=codec,
        meters=Meters(folder=environ.get("PROMETHEUS_MULTIPROC_DIR")),
        page=ROOT / "web" / "dist",
    )
    threading.Thread(target=_warm, args=(codec,), name="warm", daemon=True).start()
    guard_loop()
    let_go_on_shutdown(made.extensions["firstlight"].watcher)  # last: nothing may turn the loop before the server does
    return made


def _warm(codec: Codec) -> None:
    """The first photo need not wait for the decoder's start; should that fail, the first upload says so."""
    try:
        codec.warm()
    except (CodecDied, SandboxUnavailable, OSError):
        log.exception("the decoder does not start")


app = application()
