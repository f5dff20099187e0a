"""`firstlight train-exposure`: the exposure head, trained on one's own photos."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--photos", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--list", "listed", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="CSV: only these photos"
)
@click.option("--out", default="var/train", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--pairs", type=click.IntRange(min=1), default=6_000, show_default=True, help="tone pairs to make")
@click.option("--seed", type=int, default=1, show_default=True)
def command(*, photos: Path, listed: Path | None, out: Path, pairs: int, seed: int) -> None:
    """Train `auto` and the look on the well-exposed PHOTOS, made dark on the way: minutes on a CPU.

    Writes exposure.safetensors and its sha256 to OUT; copy both to model/weights/ to use them.
    """
    try:
        from model.exposure_head_training import HeadRecipe, train_head  # noqa: PLC0415 — `--help` needs no torch
        from model.photo_folder import read_photos  # noqa: PLC0415
        from model.photo_list import PhotosDiffer, listed_photos  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"Training needs {missing.name}: .venv/bin/pip install -e '.[torch]'") from None
    try:
        found = listed_photos(photos, listed, click.echo) if listed else read_photos(photos, click.echo)
        weights = train_head(found, recipe=HeadRecipe(pairs=pairs, seed=seed), folder=out, say=click.echo)
    except (ValueError, PhotosDiffer) as fact:
        raise click.ClickException(str(fact)) from None
    click.echo(f"{weights}: copy it and its .sha256 to model/weights/ to use it")
