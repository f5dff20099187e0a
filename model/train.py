"""One training loop: synthetic pairs from photos, real pairs beside them if there are any, resumable, on CPU or GPU."""

import csv
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import torch

from model.accelerator import best_device, fast_bfloat16
from model.checkpoint import export, network_from, resume, save_checkpoint
from model.dark_mosaic import dark_mosaic
from model.dark_srgb import dark_srgb
from model.loss import restoration_loss
from model.network import Dims, Network, channels_last, restore
from model.real_pairs import RealPairs
from model.synthesis import Pairs, Photo, crops

CHECKPOINT = "checkpoint.pt"
LOSSES = "losses.csv"
LARGEST_GRADIENT = 0.03
"""Norm to which gradients are clipped, twice the median: rare ones ten times that large killed early runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. Crops are squares of `side` pixels; it ends after `steps` or `minutes`, whichever comes first."""

    dims: Dims = field(default_factory=Dims)
    steps: int = 40_000
    minutes: float = math.inf
    batch: int = 8
    side: int = 128
    learning_rate: float = 8e-4
    warm_up: int = 300
    averaging: float = 0.999
    mosaic_share: float = 0.35
    real_share: float = 0.3
    texture: float = 0.5
    seed: int = 1
    report_every: int = 100
    save_every: int = 500


def train(
    photos: list[Photo],
    *,
    recipe: Recipe,
    folder: Path,
    clock: Callable[[], float],
    say: Callable[[str], None],
    pairs: RealPairs | None = None,
    facts: dict[str, str] | None = None,
    begin_from: Path | None = None,
) -> Path:
    """Train on photos ([H, W, 3] uint8, sRGB, each side ≥ 32) and return the path of the weights.

    `folder` receives the checkpoint, from which the same call resumes, the losses as CSV, and the weights (averaged,
    fp16). `clock` counts seconds. `facts` are saved with the weights. `begin_from` names weights to begin with, of this
    network or of a narrower one, which is then widened. Raises ValueError when there is nothing to train on.
    """
    if not photos:
        raise ValueError("No photos to train on: name a folder with at least one JPEG or PNG.")
    folder.mkdir(parents=True, exist_ok=True)
    device = best_device()
    torch.manual_seed(recipe.seed)
    begun_with = network_from(begin_from, recipe.dims) if begin_from else Network(recipe.dims)
    network = channels_last(begun_with.to(device))
    average = deepcopy(network).requires_grad_(requires_grad=False)
    optimizer = torch.optim.AdamW(network.parameters(), betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    step, elapsed = resume(folder / CHECKPOINT, network, average, optimizer)
    forget(folder / LOSSES, step)
    begun = clock() - elapsed
    smooth: float | None = None
    with ThreadPoolExecutor(1) as camera:
        coming = camera.submit(draw, photos, pairs, recipe, step)
        while (progress := max(step / recipe.steps, (clock() - begun) / 60 / recipe.minutes)) < 1:
            batch = on_device(coming.result(), device)
            coming = camera.submit(draw, photos, pairs, recipe, step + 1)
            rate = recipe.learning_rate * learning_curve(step, recipe.warm_up, progress)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
                found = restore(network, batch.planes, batch.conditions, batch.layout)
            loss = restoration_loss(found, batch.target, recipe.texture)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            step += 1
            keep = min(recipe.averaging, (1 + step) / (10 + step))
            for slow, quick in zip(average.parameters(), network.parameters(), strict=True):
                slow.lerp_(quick, 1 - keep)
            smooth = loss.item() if smooth is None else 0.98 * smooth + 0.02 * loss.item()
            if step % recipe.report_every == 0:
                report(folder / LOSSES, step, smooth, rate, clock() - begun, say)
            if step % recipe.save_every == 0:
                save_checkpoint(folder / CHECKPOINT, network, average, optimizer, step, clock() - begun)
    save_checkpoint(folder / CHECKPOINT, network, average, optimizer, step, clock() - begun)
    return export(average, folder / "firstlight.safetensors", {**(facts or {}), "steps": str(step)})


def draw(photos: list[Photo], pairs: RealPairs | None, recipe: Recipe, step: int) -> Pairs:
    """The batch of a step, of one kind: real pairs, a camera's sRGB, or a mosaic.

    A step has its own seed, so that a run which was interrupted draws what an uninterrupted one would have.
    """
    random = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    lot = float(torch.rand((), generator=random))
    if pairs is not None and lot < recipe.real_share:
        return pairs.draw(recipe.batch, recipe.side, random)
    picture = crops(photos, recipe.batch, recipe.side, random)
    kind = dark_mosaic if float(torch.rand((), generator=random)) < recipe.mosaic_share else dark_srgb
    return kind(picture, random)


def on_device(batch: Pairs, device: torch.device) -> Pairs:
    """The batch where the network is, planes in the memory order its convolutions like."""
    return Pairs(
        layout=batch.layout,
        planes=batch.planes.to(device).contiguous(memory_format=torch.channels_last),
        conditions=batch.conditions.to(device),
        target=batch.target.to(device),
    )


def learning_curve(step: int, warm_up: int, progress: float) -> float:
    """Share of the full learning rate: a linear warm-up, then a half cosine to a hundredth."""
    return min(1.0, (step + 1) / warm_up) * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, progress))) / 2)


def report(path: Path, step: int, loss: float, rate: float, seconds: float, say: Callable[[str], None]) -> None:
    """Append a row to the CSV of losses and say it."""
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        rows = csv.writer(file)
        if fresh:
            rows.writerow(["step", "loss", "learning_rate", "seconds"])
        rows.writerow([step, f"{loss:.5f}", f"{rate:.2e}", f"{seconds:.0f}"])
    say(f"step {step}  loss {loss:.4f}  rate {rate:.1e}  {seconds / 60:.1f} min")


def forget(path: Path, step: int) -> None:
    """Drop the CSV's rows of batches after the checkpoint's: they are about to be trained again."""
    if path.exists():
        head, *rows = path.read_text().splitlines(keepends=True)
        path.write_text(head + "".join(row for row in rows if int(row.split(",")[0]) <= step))
