"""The network of 2021 and ours, codes to codes, in one process and taking turns: CPU seconds per output megapixel."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image

from bench.nights import night_jpeg
from bench.old_network import build, in_openvino
from model.engine import load_engine
from photos.raster import Raster


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """CPU seconds of all threads per megapixel that comes out, one figure a turn."""

    name: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def line(self, old: float) -> str:
        """The figures in a row, and how many times less this is than the `old` median."""
        least, most = min(self.seconds), max(self.seconds)
        return f"  {self.name:54} {self.median:>7.3f} {least:>7.3f} {most:>7.3f} {old / self.median:>7.1f}"


def measured(*, runs: int, megapixels: float) -> list[Measured]:
    """The old network (random weights) as it was run, then in our own runtime and precision; then engines of ours."""
    side = int((megapixels * 1e6) ** 0.5) // 32 * 32
    contestants: dict[str, Callable[[], object]] = {
        "old network (7.76 M parameters), torch eager fp32": _old(side),
        "old network, openvino": in_openvino(side // 2),
    }
    for name in ("torch", "openvino", "classical"):
        contestants[f"ours, {name}"] = _ours(name, side)
    for work in contestants.values():
        work()  # warm-up: compilation, caches, memory
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, work in contestants.items():
            began = time.process_time()
            work()
            seconds[name].append((time.process_time() - began) / (side * side / 1e6))
    return [Measured(name=name, seconds=tuple(taken)) for name, taken in seconds.items()]


def _old(side: int) -> Callable[[], object]:
    network = build()
    picture = torch.rand(1, 3, side // 2, side // 2)

    def work() -> object:
        with torch.inference_mode():
            return network(picture)

    return work


def _ours(name: str, side: int) -> Callable[[], object]:
    engine = load_engine(name)  # type: ignore[arg-type]
    dark = np.asarray(Image.open(io.BytesIO(night_jpeg(side, side))))
    out = np.empty_like(dark)
    raster = Raster(layout="rgb", width=side, height=side, depth=8, curve="srgb", white=255.0)
    return lambda: engine.enhance(dark, raster, 16.0, out, lambda _: None)
