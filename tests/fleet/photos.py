"""An accepted photo, as far as the fleet cares."""

from __future__ import annotations

from pathlib import Path

from jobs.intake import Order, accept
from jobs.ports import Ports


def upload(ports: Ports, tmp_path: Path) -> str:
    order = Order(ratio=None, format="jpeg", photo={}, size=5, sha256="", visitor="v")
    photo = tmp_path / "photo"
    photo.write_bytes(b"photo")
    with photo.open("rb") as file:
        return accept(ports, order, file).job.id
