"""The Flask app, put together: a factory that only wires."""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from api import accounts, direct, events, health, openapi, origins, page, problems, results, status, uploads, warmth
from api.aside import beside_the_loop
from api.guards import install as install_guards
from api.meters import Meters
from api.outlooks import Launching, Outlooks
from api.service import Prober, Service
from api.usuals import Usuals
from api.watcher import Watcher
from fleet.bridge import Wish
from jobs.ports import Ports
from jobs.settings import Settings

PLACES = 800  # waiters that one process holds; the next are answered at once


def create_app(
    settings: Settings,
    *,
    ports: Ports,
    launcher: Launching,
    codec: Prober,
    meters: Meters | None = None,
    places: int = PLACES,
) -> Flask:
    """The API over these stores. Make it in the process that serves it: nothing here survives a fork.

    `app.extensions["firstlight"]` is its Service; close its watcher to let the waiters go.
    """
    service = Service(
        settings=settings,
        ports=replace(ports, blobs=beside_the_loop(ports.blobs)),
        outlooks=Outlooks(launcher, wish=Wish(settings).make if settings.bridge else None),
        codec=codec,
        watcher=Watcher(ports.ledger, places=places),
        usuals=Usuals(ports.table),
        meters=meters or Meters(),
    )
    app = Flask("api")
    app.url_map.merge_slashes = False
    app.extensions["firstlight"] = service
    problems.install(app)
    allowed = origins.allowed_origins(settings.allowed_origins)
    accounts.install(app, service.meters)
    install_guards(app, blobs=service.ports.blobs, shared=bool(allowed))
    origins.install(app, allowed)
    for room in (uploads, direct, status, events, results, warmth, health, page, openapi):
        app.register_blueprint(room.blueprint(service))
    return app
