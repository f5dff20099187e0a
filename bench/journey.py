"""From upload to bright picture through the real service: cold and warm, 12 and 24 megapixels."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from bench.nights import night_jpeg
from bench.service import Service, service

SIZES = {"12 MP": (4000, 3000), "24 MP": (6000, 4000)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Seconds from the first byte sent to the last byte received, by phase as the worker measured them."""

    photo: str
    start: str
    seconds: tuple[float, ...]

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        middle = statistics.median(self.seconds)
        return (self.photo, self.start, f"{middle:.2f}", f"{min(self.seconds):.2f}", f"{max(self.seconds):.2f}")


def journeys(*, runs: int, engine: str) -> list[Journey]:
    """Measure each size cold (no worker runs) and warm (a worker has done one photo)."""
    measured = []
    for name, (width, height) in SIZES.items():
        photo = night_jpeg(width, height)
        cold = []
        for _ in range(runs):
            with service(ENGINE=engine) as fresh:
                cold.append(first_light_s(fresh, photo))
        with service(ENGINE=engine) as kept:
            first_light_s(kept, photo)
            warm = [first_light_s(kept, photo) for _ in range(runs)]
        measured += [
            Journey(photo=name, start="cold", seconds=tuple(cold)),
            Journey(photo=name, start="warm", seconds=tuple(warm)),
        ]
    return measured


def first_light_s(running: Service, photo: bytes) -> float:
    """Seconds from the upload to the whole result. Raises RuntimeError when the photo failed."""
    began = time.monotonic()
    accepted = running.upload(photo)
    status = running.finished(accepted["id"])
    if status["state"] != "done":
        raise RuntimeError(f"the photo failed: {status['error']}")
    running.result(accepted["id"])
    return time.monotonic() - began
