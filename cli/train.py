"""`firstlight train`: the network, trained on one's own photos."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path

import click


def provenance(seed: int, listed: Path | None, begin_from: Path | None) -> dict[str, str]:
    """What weights will say of their training: its seed, sha256 of the list and of the weights it began with."""
    named = {"photos": listed, "begun_from": begin_from}
    return {"seed": str(seed)} | {name: sha256(path.read_bytes()).hexdigest() for name, path in named.items() if path}


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--list", "listed", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV: only these photos"
)
@click.option("--pairs", type=click.Path(exists=True, file_okay=False, path_type=Path), help="LOL's or SID's layout")
@click.option("--out", default="var/train", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), default=40_000, show_default=True, help="batches to train on")
@click.option("--minutes", type=click.FloatRange(min=0.1), help="stop after so long, if that is earlier")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--rate", type=click.FloatRange(min=0, min_open=True), default=8e-4, show_default=True, help="at its peak"
)
@click.option(
    "--texture", type=click.FloatRange(min=0), default=0.5, show_default=True, help="weight of missing fine texture"
)
@click.option("--width", type=click.IntRange(min=4), default=16, show_default=True, help="channels at the finest level")
@click.option(
    "--from",
    "begin_from",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="weights to begin with, of this width or a smaller one",
)
def command(
    *,
    photos: Path,
    listed: Path | None,
    pairs: Path | None,
    out: Path,
    steps: int,
    minutes: float | None,
    seed: int,
    rate: float,
    texture: float,
    width: int,
    begin_from: Path | None,
) -> None:
    """Train on the well-exposed PHOTOS, made dark and noisy on the way; and on real PAIRS if there are any.

    With --list only the photos of that CSV are used, and only if they are the ones it holds checksums of.

    Resumes from the checkpoint in OUT when called again; writes losses.csv and firstlight.safetensors there.
    """
    try:
        from model.network import Dims  # noqa: PLC0415 — `--help` needs no torch
        from model.photo_folder import read_photos  # noqa: PLC0415
        from model.photo_list import PhotosDiffer, listed_photos  # noqa: PLC0415
        from model.real_pairs import NoPairs, find_pairs  # noqa: PLC0415
        from model.train import Recipe, train  # noqa: PLC0415
        from model.weights import WeightsDamaged  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"Training needs {missing.name}: .venv/bin/pip install -e '.[torch]'") from None
    recipe = Recipe(
        dims=Dims(width=width),
        steps=steps,
        minutes=minutes or float("inf"),
        seed=seed,
        learning_rate=rate,
        texture=texture,
    )
    try:
        weights = train(
            listed_photos(photos, listed, click.echo) if listed else read_photos(photos, click.echo),
            recipe=recipe,
            folder=out,
            clock=time.monotonic,
            say=click.echo,
            pairs=find_pairs(pairs) if pairs else None,
            begin_from=begin_from,
            facts=provenance(seed, listed, begin_from),
        )
    except (ValueError, NoPairs, PhotosDiffer, WeightsDamaged) as fact:
        raise click.ClickException(str(fact)) from None
    click.echo(f"{weights}: copy it and its .sha256 to model/weights/ to use it")
