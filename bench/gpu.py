"""Raws a second on a GPU: `python -m bench.gpu` runs them through the worker's stages, and through its parts alone.

    codecs alone    decode ─▶ encode              one photo in each stage at a time, each stage in processes of its own:
    network alone            enhance              sandboxed codecs, the engine's process, buffers that travel as
    through all     decode ─▶ enhance ─▶ encode   descriptors; nothing but the stores is missing

Where there is no CUDA it says so and ends well; with `--require` it fails. `--device cpu` tries the command itself, on
small photos. The goal is at least 0.8 of the slower part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from skimage import data

from bench.raw_camera import D850, camera_light, counts, dng, noisy
from bench.service import ROOT
from photos.buffer import encoded_bound, pixel_buffer
from photos.codec import Codec
from photos.facts import PhotoFacts
from photos.raster import Raster
from worker.engine import ENVIRONMENT, EngineProcess

DEADLINE_S = 60.0
RATIO = 16.0
GOAL = 0.8
Stage = Callable[[Any], Any]


def night_raw(megapixels: float) -> bytes:
    """A noisy DNG of a dark scene, 3:2, about so large: one photo, repeated."""
    photo = data.coffee()[100:300, 200:500]
    clean = counts(camera_light(photo), RATIO)
    mosaic = noisy(clean, 2.47, D850, np.random.default_rng(0))
    height = max(16, round((megapixels * 1e6 / 1.5) ** 0.5) // 2 * 2)
    width = height * 3 // 2 // 2 * 2
    repeated = np.tile(mosaic, (-(-height // 200), -(-width // 300)))
    return dng(np.ascontiguousarray(repeated[:height, :width]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A photo between two stages: what it means, and the descriptor of its codes."""

    raster: Raster
    codes: int


class Workbench:
    """The three stages over one photo's file."""

    def __init__(self, photo: bytes, codec: Codec, engine: EngineProcess) -> None:
        self.codec, self.engine = codec, engine
        self.file = pixel_buffer(len(photo), "photo")
        os.pwrite(self.file, photo, 0)
        self.facts: PhotoFacts = codec.probe(self.file, deadline_s=DEADLINE_S)

    def decode(self, _: object) -> Decoded:
        pixels = pixel_buffer(self.facts.pixel_bytes, "pixels")
        return Decoded(raster=self.codec.decode(self.file, self.facts, pixels, deadline_s=DEADLINE_S), codes=pixels)

    def enhance(self, given: Decoded) -> Decoded:
        bright = self.enhanced(given)
        os.close(given.codes)
        return bright

    def enhanced(self, given: Decoded) -> Decoded:
        """As `enhance`, the given codes kept."""
        out = pixel_buffer(self.facts.width * self.facts.height * 3, "out")
        self.engine.enhance(given.codes, given.raster, RATIO, out, 8, lambda _: None)
        return Decoded(raster=given.raster, codes=out)

    def encode(self, bright: Decoded) -> None:
        self.encoded(bright)
        os.close(bright.codes)

    def encoded(self, bright: Decoded) -> None:
        """As `encode`, the given codes kept."""
        file = pixel_buffer(encoded_bound(self.facts, "jpeg"), "encoded")
        self.codec.encode(bright.codes, bright.raster, file, format="jpeg", depth=8, deadline_s=DEADLINE_S)
        os.close(file)

    def ways(self) -> dict[str, list[Stage]]:
        """What is measured: stages that run at once. Enhances one photo, so that everything is warm."""
        dark = self.decode(None)
        bright = self.enhanced(dark)

        def decode_and_drop(_: object) -> None:
            os.close(self.decode(None).codes)

        def enhance_and_drop(_: object) -> None:
            os.close(self.enhanced(dark).codes)

        return {
            "codecs alone": [decode_and_drop, lambda _: self.encoded(bright)],
            "network alone": [enhance_and_drop],
            "through all": [self.decode, self.enhance, self.encode],
        }


def rate(stages: Sequence[Stage], count: int) -> float:
    """Photos a second through stages that run at once, one photo in each; filling and emptying them counts too."""
    room = threading.Semaphore(len(stages))
    with ExitStack() as stack:
        lanes = [stack.enter_context(ThreadPoolExecutor(1)) for _ in stages]
        began = time.monotonic()
        ends = []
        for _ in range(count):
            room.acquire()
            step: Future[Any] | None = None
            for lane, stage in zip(lanes, stages, strict=True):
                step = lane.submit(_after, step, stage)
            assert step is not None
            step.add_done_callback(lambda _: room.release())
            ends.append(step)
        for end in ends:
            end.result()
        return count / (time.monotonic() - began)


def _after(step: Future[Any] | None, stage: Stage) -> Any:
    return stage(None if step is None else step.result())


def measured(workbench: Workbench, *, runs: int, count: int) -> dict[str, list[float]]:
    """Photos a second of each way, the ways taking turns."""
    ways = workbench.ways()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, stages in ways.items():
            rates[name].append(rate(stages, count))
    return rates


def table(rates: dict[str, list[float]]) -> str:
    """The rates in lines, and how close the whole comes to its slower part."""
    lines = [f"{'raws a second':14} median    min    max"]
    for name, each in rates.items():
        lines.append(f"{name:14} {statistics.median(each):6.2f} {min(each):6.2f} {max(each):6.2f}")
    codecs, network, whole = (statistics.median(each) for each in rates.values())
    share = whole / min(codecs, network)
    return "\n".join([*lines, f"through all is {share:.2f} of the slower part (goal: {GOAL})"])


def start(device: str) -> str:
    """The steps of an engine's start in a fresh process, in one line."""
    command = [sys.executable, "-m", "bench.gpu_start", device]
    said = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=True
    )
    return said.stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--require", action="store_true", help="fail where there is no CUDA")
    parser.add_argument("--megapixels", type=float, help="of a photo; 24, or 0.2 on a CPU")
    parser.add_argument("--count", type=int, default=16, help="photos in a run")
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args(arguments)
    if chosen.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from model.accelerator import describe, found  # noqa: PLC0415 - CUDA reads its environment when torch is loaded

    name, refusal = found()
    if chosen.device == "cuda" and name != "CUDA":
        print(f"There is no CUDA here to measure on: {refusal or 'PyTorch sees no NVIDIA GPU'}.")
        return 1 if chosen.require else 0
    megapixels = chosen.megapixels or (24.0 if chosen.device == "cuda" else 0.2)
    engine = EngineProcess(engine="torch", threads=0, stall_s=DEADLINE_S, load_s=300.0)
    with Codec(sandbox="auto") as codec:
        engine.start()
        try:
            workbench = Workbench(night_raw(megapixels), codec, engine)
            facts = workbench.facts
            print(f"{facts.megapixels:.1f} MP raws to JPEG on {describe()}, {chosen.runs} runs of {chosen.count}")
            print(table(measured(workbench, runs=chosen.runs, count=chosen.count)))
            print(start(chosen.device))
        finally:
            engine.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
