"""Lists what a worker reads from its start to its first photo: `python -m worker.hot_files --list FILE`, in an image.

    watch the folders ─▶ a worker, one photo: which files ─▶ forget them ─▶ a worker, one photo: which pieces of them

Each line of the list is `offset length path`, in the order in which a start needs them; `worker/read_ahead.py` reads
them at boot. Nothing else should run from the same folders meanwhile. Settings come from the environment, but for the
stores, which lie in a folder of their own; what speaks to AWS is loaded too where it is installed.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from jobs.clock import now_ms
from jobs.intake import Order, accept
from jobs.ports import open_ports
from jobs.settings import Settings
from photos.buffer import pixel_buffer
from photos.codec import Codec, interpreter
from photos.raster import Raster
from worker.opened_files import OpenedFiles, SomeMissed
from worker.page_cache import forget, resident

ROOT = Path(__file__).resolve().parent.parent
SIDE = 256
START_S = 300.0
TRIES = 3
SERVICES = ("s3", "sqs", "dynamodb")
CLIENTS = "from jobs.clients import Clients; c = Clients(region='us-east-1'); [c.client(each) for each in {!r}]"


class StartFailed(Exception):
    """The worker did not bring its photo; the message holds its last words."""


def dark_jpeg() -> bytes:
    """A dark grey JPEG of SIDE by SIDE pixels, written by our own codec."""
    raster = Raster(layout="rgb", width=SIDE, height=SIDE, depth=8, curve="srgb", white=255.0)
    pixels, file = pixel_buffer(SIDE * SIDE * 3, "pixels"), pixel_buffer(1 << 20, "file")
    try:
        os.pwrite(pixels, b"\x18" * (SIDE * SIDE * 3), 0)
        with Codec(sandbox="auto") as codec:
            size = codec.encode(pixels, raster, file, format="jpeg", depth=8, deadline_s=60)
        return os.pread(file, size, 0)
    finally:
        os.close(pixels)
        os.close(file)


def one_start(settings: Settings, photo: bytes) -> None:
    """Start a worker on one queued photo and let it end by itself. Raises StartFailed."""
    with tempfile.TemporaryDirectory(prefix="firstlight-") as folder:
        rows = f"sqlite:{folder}/jobs.db"
        own = replace(
            settings, blobs=f"file:{folder}/blobs", queue=rows, table=rows, fleet=f"process:{folder}", idle_s=1.0
        )
        ports = open_ports(own, clock=now_ms)
        facts = {"format": "jpeg", "width": SIDE, "height": SIDE, "orientation": 1, "layout": "rgb", "depth": 8}
        order = Order(
            ratio=None,
            format="jpeg",
            photo={**facts, "grey": False, "alpha": False},
            size=len(photo),
            sha256=hashlib.sha256(photo).hexdigest(),
            visitor="hot files",
        )
        try:
            job = accept(ports, order, io.BytesIO(photo)).job
            command = [interpreter(), "-m", "worker"]
            environ = {**os.environ, **own.environ()}  # noqa: TID251 — an entry point
            with tempfile.TemporaryFile() as log:
                subprocess.run(command, cwd=ROOT, env=environ, stdout=log, stderr=log, timeout=START_S, check=False)
                log.seek(0)
                words = log.read().decode(errors="replace")
            ended = ports.ledger.read(job.id)
        finally:
            ports.close()
    if ended is None or ended.state != "done":
        raise StartFailed(words[-2000:])


def load_clients() -> None:
    """Make the clients of AWS in a process of their own; asks nobody anything."""
    if find_spec("boto3") is not None:
        command = [interpreter(), "-c", CLIENTS.format(SERVICES)]
        environ = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}  # noqa: TID251 — handed on
        subprocess.run(command, cwd=ROOT, env=environ, timeout=START_S, check=True)


def folders() -> list[Path]:
    """Where a worker's files lie: the project, the Python packages, Python itself, the system's libraries."""
    named = [str(ROOT), *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))]
    named += [f"{sys.base_prefix}/bin", f"{sys.prefix}/bin", f"{sys.base_prefix}/lib"]
    named += [f"/usr/lib/{each}" for each in ("x86_64-linux-gnu", "aarch64-linux-gnu", "ssl")] + [
        "/usr/lib64",
        "/etc/ssl",
    ]
    return [Path(each) for each in named if Path(each).is_dir()]


def opened_at_a_start(settings: Settings, photo: bytes) -> list[Path]:
    """The files that a start opens, in that order. Raises SomeMissed."""
    with OpenedFiles(folders()) as opened:
        load_clients()
        one_start(settings, photo)
    return [path for path in opened.paths if path.is_file()]


def opened_with_patience(settings: Settings, photo: bytes) -> list[Path]:
    """The same, TRIES times at most, since others may have opened too much meanwhile."""
    for _ in range(TRIES - 1):
        with suppress(SomeMissed):
            return opened_at_a_start(settings, photo)
    return opened_at_a_start(settings, photo)


def hot_files(settings: Settings) -> list[tuple[int, int, Path]]:
    """Pieces of files as (offset, length, path), in the order of their first opening."""
    photo = dark_jpeg()
    one_start(settings, photo)  # writes bytecode and compiled graphs where they are missing
    files = opened_with_patience(settings, photo)
    for path in files:
        forget(path)
    load_clients()
    one_start(settings, photo)
    return [(offset, length, path) for path in files for offset, length in resident(path)]


def written(pieces: Iterable[tuple[int, int, Path]]) -> str:
    """The list's text. A path with a line break in it is left out: nobody has one, and it would break the list."""
    return "".join(f"{offset} {length} {path}\n" for offset, length, path in pieces if "\n" not in str(path))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", type=Path, required=True, help="the file to write")
    chosen = parser.parse_args()
    settings = Settings.read(os.environ)  # noqa: TID251 — an entry point
    pieces = hot_files(settings)
    chosen.list.write_text(written(pieces))
    files = {path for _, _, path in pieces}
    whole = sum(path.stat().st_size for path in files)
    print(
        f"{len(files)} files: {sum(length for _, length, _ in pieces) / 1e6:.0f} MB of their {whole / 1e6:.0f} MB, "
        f"in {len(pieces)} pieces"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
