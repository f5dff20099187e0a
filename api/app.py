"""The Flask app, put together: a factory that only wires."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flask import Flask

from api import accounts, built, direct, events, health, openapi, origins, problems, results, status, uploads, warmth
from api import page as plain
from api.aside import beside_the_loop
from api.guards import Store
from api.guards import install as install_guards
from api.meters import Meters
from api.outlooks import Launching, Outlooks
from api.service import Prober, Service
from api.usuals import Usuals
from api.watcher import Watcher
from fleet.bridge import Wish
from jobs.ports import Ports
from jobs.settings import Settings

NOWHERE = Path("/nonexistent")
PLACES = 800  # waiters that one process holds; the next are answered at once


def create_app(
    settings: Settings,
    *,
    ports: Ports,
    launcher: Launching,
    codec: Prober,
    meters: Meters | None = None,
    places: int = PLACES,
    page: Path | None = None,
) -> Flask:
    """The API over these stores. Make it in the process that serves it: nothing here survives a fork.

    `page` is the folder of the built page, which may be empty or missing yet; None: there is none.

    `app.extensions["firstlight"]` is its Service; close its watcher to let the waiters go.
    """
    service = Service(
        settings=settings,
        ports=replace(ports, blobs=beside_the_loop(ports.blobs)),
        outlooks=Outlooks(launcher, wish=Wish(settings).make if settings.bridge else None),
        codec=codec,
        watcher=Watcher(ports.ledger, places=places, each=places // 8 if settings.upload_limit else None),
        usuals=Usuals(ports.table),
        meters=meters or Meters(),
    )
    app = Flask("api")
    app.url_map.merge_slashes = False
    app.extensions["firstlight"] = service
    problems.install(app)
    allowed = origins.allowed_origins(settings.allowed_origins)
    accounts.install(app, service.meters)
    store = Store(service.ports.blobs)
    install_guards(app, store=store, shared=bool(allowed))
    origins.install(app, allowed)
    for room in (uploads, direct, status, events, results, warmth, health, openapi):
        app.register_blueprint(room.blueprint(service))
    parts = built.Built(folder=page or NOWHERE, service=service, store=store)
    app.register_blueprint(built.blueprint(parts))
    app.register_blueprint(plain.blueprint(service, parts))
    return app
