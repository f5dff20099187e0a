"""Quality on real pairs: `python -m bench.quality --pairs DIR` prints one table, engines beside plain gain.

DIR holds `low/` and `high/` with equal names. All rows share the ratio that `auto` estimates and the tone curve: they
differ only in how noise is treated. Plain figures judge exposure most of all, GT-mean ones the picture.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.metrics import interval, scores
from model.engine import Engine, EngineMissing, load_engine
from model.enhancement import Restorer, enhance_with
from model.plan import Plan
from model.weights import SHIPPED
from photos.raster import Raster


class GainOnly:
    """The picture with its exposure and tone, and its noise: what every engine must beat."""

    name = "auto-gain"
    reason = "the first yardstick"
    bytes_per_pixel = 40

    def enhance(self, pixels, raster, ratio, out, progress):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """See `engine.Engine`."""
        return enhance_with(self, pixels, raster, ratio, out, progress)

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`; rgb only."""
        entries = np.linspace(0, plan.top, len(plan.tone))
        return lambda blocks: (
            np.interp(plan.source[0][block], entries, plan.tone).round().astype(np.uint8) for block in blocks
        )


def rgb8(path: Path) -> NDArray[np.uint8]:
    """An 8-bit picture, [H, W, 3]."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def enhanced(engine: Engine, dark: NDArray[np.uint8], ratio: float | None = None) -> NDArray[np.uint8]:
    """An 8-bit picture through an engine."""
    raster = Raster(layout="rgb", width=dark.shape[1], height=dark.shape[0], depth=8, curve="srgb", white=255.0)
    out = np.empty_like(dark)
    engine.enhance(dark, raster, ratio, out, lambda _: None)
    return out


def engines(weights: Path, threads: int) -> list[Engine]:
    """Plain gain, and every engine installed here."""
    found: list[Engine] = [GainOnly()]
    for name in ("classical", "torch", "openvino"):
        try:
            found.append(load_engine(name, threads=threads, weights=weights))
        except EngineMissing as missing:
            print(missing)
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pairs", type=Path, required=True)
    arguments.add_argument("--weights", type=Path, default=SHIPPED)
    arguments.add_argument("--threads", type=int, default=2)
    chosen = arguments.parse_args()
    names = sorted(
        path.name for path in (chosen.pairs / "low").iterdir() if (chosen.pairs / "high" / path.name).exists()
    )
    halves = [(rgb8(chosen.pairs / "low" / name), rgb8(chosen.pairs / "high" / name)) for name in names]
    print(f"{len(halves)} pairs; mean and 95 % bootstrap interval; SSIM: 11-tap Gaussian, σ 1.5")
    print("| engine | plain PSNR | plain SSIM | GT-mean PSNR | GT-mean SSIM |\n|---|---|---|---|---|")
    for engine in engines(chosen.weights, chosen.threads):
        values = np.array([scores(enhanced(engine, dark), bright) for dark, bright in halves])
        random = np.random.default_rng(1)
        cells = []
        for column, digits in zip(values.T, (2, 3, 2, 3), strict=True):
            low, high = interval(column, random)
            cells.append(f"{column.mean():.{digits}f} ({low:.{digits}f}–{high:.{digits}f})")
        print(f"| {engine.name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
