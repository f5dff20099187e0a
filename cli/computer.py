"""What this computer is and lacks, observed for the check-up."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fleet.checkup.computer import Computer
from photos.codec import Codec
from photos.errors import CodecDied, SandboxUnavailable

if TYPE_CHECKING:
    from jobs.settings import Settings
    from model.engine import Name
    from photos.sandbox import Mode


def this_computer(settings: Settings) -> Computer:
    """Starts the decoder's zygote for a moment; half a second."""
    refusal, missing = _sandbox(settings)
    spool = _nearest(Path(settings.spool))
    disk = os.statvfs(spool)
    return Computer(
        python=sys.version_info[:2],
        sandbox=settings.sandbox,
        sandbox_missing=missing,
        sandbox_refusal=refusal,
        engine_refusal=_engine(settings) if settings.fleet.startswith("process:") else "",
        closed=tuple(dict.fromkeys(str(each) for each in map(_nearest, _kept_in(settings)) if not _takes(each))),
        spool=str(spool),
        room_bytes=disk.f_bavail * disk.f_frsize,
        photo_bytes=settings.max_photo_bytes,
    )


def _sandbox(settings: Settings) -> tuple[str, tuple[str, ...]]:
    with Codec(sandbox=cast("Mode", settings.sandbox)) as codec:
        try:
            codec.warm()
        except (SandboxUnavailable, CodecDied) as no:
            return str(no), ()
        return "", codec.missing


def _engine(settings: Settings) -> str:
    """Why no engine can be had; empty when one can. Nothing is loaded."""
    from model.engine import EngineMissing, choose, this_machine  # noqa: PLC0415 — `--help` needs no engine
    from model.weights import NETWORKS  # noqa: PLC0415

    try:
        choose(cast("Name", settings.engine), this_machine(NETWORKS[settings.network]))
    except EngineMissing as no:
        return str(no)
    return ""


def _kept_in(settings: Settings) -> Iterator[Path]:
    """The folders of this computer that the settings name."""
    yield Path(settings.spool)
    if settings.blobs.startswith("file:"):
        yield Path(settings.blobs.partition(":")[2])
    for url in (settings.queue, settings.table):
        if url.startswith("sqlite:"):
            yield Path(url.partition(":")[2]).parent


def _takes(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there already."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
