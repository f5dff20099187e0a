"""Photos taken in the dark as raw files, and how close each way of developing them comes.

Two domains: *linear raw* is light in white-balanced camera colours, 0…1; *sRGB* is codes after the colour matrix.
Neither has a tone curve, and light above white is cut.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.converters import DEVELOPS, FINISHES
from bench.metrics import psnr, ssim
from bench.raw_camera import D850, SYSTEM_GAINS, camera_light, counts, dng, noisy, to_camera
from bench.sheets import opened
from model.enhancement import Restorer, Runtime, enhance_with
from model.light import decode, encode
from model.plan import Plan
from photos.codec import Codec

RATIOS = 100.0, 250.0, 300.0
SIDE = 256
"""Of the square that is cut out of the middle of a photo."""
DOMAINS = "linear raw", "sRGB"
DEEP = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A photo taken in the dark: its file, and what it should become in white-balanced camera colours."""

    photo: str
    ratio: float
    system_gain: float
    file: bytes
    light: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How close one way of developing came."""

    way: str
    domain: str
    case: Case
    psnr: float
    ssim: float


class Untoned:
    """A runtime whose results are light alone: no tone, no blend, and camera colours where they are wanted."""

    def __init__(self, runtime: Runtime, domain: str) -> None:
        self.runtime = runtime
        self.domain = domain
        self.name = runtime.name
        self.bytes_per_pixel = runtime.bytes_per_pixel

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        straight = DEEP * np.linspace(0, plan.top, len(plan.tone)).clip(0, 1)
        matrix = np.eye(3, dtype=np.float32) if self.domain == "linear raw" else plan.matrix
        return self.runtime.begin(replace(plan, tone=straight.astype(np.float32), matrix=matrix, blend=None))


def cases(
    photos: Mapping[str, NDArray[np.uint8]], side: int, ratios: tuple[float, ...], *, biased: bool = True
) -> Iterator[Case]:
    """Every photo at every ratio and at every other system gain, by turns the even and the odd ones; noise seeded."""
    random = np.random.default_rng(11)
    camera = D850 if biased else replace(D850, colour_bias=((0.0,) * 4,) * len(D850.shapes))
    for index, (name, photo) in enumerate(photos.items()):
        high, wide = min(side, photo.shape[0]) // 2 * 2, min(side, photo.shape[1]) // 2 * 2
        top, left = (photo.shape[0] - high) // 4 * 2, (photo.shape[1] - wide) // 4 * 2
        light = camera_light(photo[top : top + high, left : left + wide])
        for ratio in ratios:
            for system_gain in SYSTEM_GAINS[index % 2 :: 2]:
                file = dng(noisy(counts(light, ratio), system_gain, camera, random))
                yield Case(photo=name, ratio=ratio, system_gain=system_gain, file=file, light=light)


def wanted(light: NDArray[np.float64], domain: str) -> NDArray[np.float64]:
    """Camera light 0…1 as it is compared, 0…255."""
    if domain == "linear raw":
        return np.asarray(255 * light.clip(0, 1))
    return np.asarray(255 * encode((light @ np.linalg.inv(to_camera()).T).clip(0, 1)))


def compared(encoded: NDArray[np.floating], domain: str) -> NDArray[np.float64]:
    """A result on the sRGB curve, 0…1, as it is compared, 0…255."""
    return np.asarray(255 * (decode(encoded) if domain == "linear raw" else encoded), np.float64)


def scored(case: Case, way: str, domain: str, encoded: NDArray[np.floating]) -> Score:
    """A result against what it should be."""
    found, target = compared(encoded, domain), wanted(case.light, domain)
    return Score(way=way, domain=domain, case=case, psnr=psnr(found, target), ssim=ssim(found, target))


def classical(case: Case) -> Iterator[Score]:
    """Every combination of developing and denoising."""
    for develop in DEVELOPS:
        light = case.ratio * develop.light(case.file)
        for domain in DOMAINS:
            colours = light if domain == "linear raw" else light @ np.linalg.inv(to_camera()).T
            picture = encode(colours.clip(0, 1)).astype(np.float32)
            for name, finish in FINISHES.items():
                yield scored(case, f"{develop.name}, {name}", domain, finish(picture).clip(0, 1))


def ours(case: Case, codec: Codec, runtime: Runtime, name: str) -> Iterator[Score]:
    """The file through sandboxed decoder and engine, 16 bits out."""
    with tempfile.NamedTemporaryFile(suffix=".dng") as file:
        file.write(case.file)
        file.flush()
        codes, raster = opened(codec, Path(file.name))
    for domain in DOMAINS:
        out = np.empty((raster.height, raster.width, 3), np.uint16)
        enhance_with(Untoned(runtime, domain), codes, raster, case.ratio, out, lambda _: None)
        yield scored(case, name, domain, out / DEEP)
