"""What a GPU's first photo waits for, step by step, in this fresh process: `python -m bench.gpu_start [cuda|cpu]`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise

from worker.lean_import import lean


def steps(name: str, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Seconds of each step of the engine's start, in order; imported as a worker imports it."""
    marks = {"": clock()}
    with lean():
        import torch  # noqa: PLC0415 — the import is what is measured

        from model.accelerator import precision  # noqa: PLC0415
        from model.torch_engine import TorchEngine, network  # noqa: PLC0415
        from model.weights import load_weights  # noqa: PLC0415
    marks["import"] = clock()
    device = torch.device(name)
    settled(torch.ones(1, device=device).sum())
    marks["context"] = clock()
    weights = load_weights()
    settled(next(network(weights, device, precision(device)).parameters()).sum())
    marks["weights"] = clock()
    engine = TorchEngine(weights, reason="a measurement", threads=None, device=device)
    if name == "cpu":
        engine.warm()  # as on a GPU, where it is part of the engine's start
    marks["first kernels"] = clock()
    engine.warm()
    marks["the same again"] = clock()
    return {step: marks[step] - marks[before] for before, step in pairwise(marks)}


def settled(tensor: object) -> None:
    """Wait until the device has computed it."""
    float(tensor)  # type: ignore[arg-type]


def told(found: dict[str, float]) -> str:
    """The steps in one line."""
    return "engine's start: " + ", ".join(f"{step} {seconds:.2f} s" for step, seconds in found.items())


if __name__ == "__main__":
    print(told(steps((sys.argv[1:] or ["cuda"])[0])))
