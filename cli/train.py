"""`firstlight train`: the network, trained on one's own photos."""

from __future__ import annotations

import time
from pathlib import Path

import click


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--pairs", type=click.Path(exists=True, file_okay=False, path_type=Path), help="LOL's or SID's layout")
@click.option("--out", default="var/train", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), default=40_000, show_default=True, help="batches to train on")
@click.option("--minutes", type=click.FloatRange(min=0.1), help="stop after so long, if that is earlier")
@click.option("--seed", type=int, default=1, show_default=True)
def command(photos: Path, pairs: Path | None, out: Path, steps: int, minutes: float | None, seed: int) -> None:
    """Train on the well-exposed PHOTOS, made dark and noisy on the way; and on real PAIRS if there are any.

    Resumes from the checkpoint in OUT when called again; writes losses.csv and firstlight.safetensors there.
    """
    try:
        from model.photo_folder import read_photos  # noqa: PLC0415 — `--help` needs no torch
        from model.real_pairs import NoPairs, find_pairs  # noqa: PLC0415
        from model.train import Recipe, train  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"Training needs {missing.name}: .venv/bin/pip install -e '.[torch]'") from None
    recipe = Recipe(steps=steps, minutes=minutes or float("inf"), seed=seed)
    try:
        weights = train(
            read_photos(photos, click.echo),
            recipe=recipe,
            folder=out,
            clock=time.monotonic,
            say=click.echo,
            pairs=find_pairs(pairs) if pairs else None,
        )
    except (ValueError, NoPairs) as fact:
        raise click.ClickException(str(fact)) from None
    click.echo(f"{weights}: copy it and its .sha256 to model/weights/ to use it")
