"""A worker's start, from its process to its first bright photo, beside the old worker's: `python -m bench.starts`.

    process ──▶ ready ──▶ first result      one 12 MP JPEG is queued before; contenders take turns; the stores are a
                                            stand-in for AWS in a process of its own

Ratios are taken run by run. `--forget` has the kernel forget what it read of files before each start (root only), as on
a machine that has just booted; `--hot LIST` adds our workers with that list read ahead beside them.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from bench.nights import night_jpeg
from bench.old_worker import CHECKPOINT
from bench.passage import cpu_seconds, tree
from bench.service import ROOT
from fleet.stand_in.cloud import KEYS
from jobs.clients import Clients
from jobs.clock import now_ms
from jobs.intake import Order, accept
from jobs.ports import Ports, open_ports
from jobs.provision import Names, Provision
from jobs.settings import Settings
from worker import read_ahead

PYTHON = str(Path(sys.prefix) / "bin" / "python")
BOUND_S = 180.0
READY = re.compile(r"^ready$|engine ready")
DONE = re.compile(r"^done$|job \S+ done")
DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who starts: a command, what its environment says, and the folder it runs in."""

    name: str
    command: tuple[str, ...]
    environ: dict[str, str]
    ours: bool
    folder: Path = ROOT
    hot: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds since the process's start: until ready, until the first result; CPU seconds of all its processes."""

    ready_s: float
    ready_cpu_s: float
    result_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The stores, and the photo that is queued before each start."""

    ports: Ports
    settings: dict[str, str]
    bucket: str
    old_queue: str
    photo: bytes
    width: int
    height: int

    def queue_for_us(self) -> None:
        facts = {"format": "jpeg", "width": self.width, "height": self.height, "orientation": 1, "layout": "rgb"}
        order = Order(
            ratio=None,
            format="jpeg",
            photo={**facts, "depth": 8, "grey": False, "alpha": False},
            size=len(self.photo),
            sha256=sha256(self.photo).hexdigest(),
            visitor="bench",
        )
        accept(self.ports, order, BytesIO(self.photo))

    def queue_for_the_old(self) -> None:
        name = uuid.uuid4().hex
        clients = Clients()
        clients.client("s3").put_object(Bucket=self.bucket, Key=name, Body=self.photo)
        clients.client("sqs").send_message(QueueUrl=self.old_queue, MessageBody=name)


@contextmanager
def world(*, width: int, height: int, folder: Path) -> Iterator[World]:
    """Stores in a stand-in for AWS, with the old system's checkpoint in them; the environment leads there meanwhile."""
    outside = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in outside:
        del os.environ[name]  # nobody's real account
    os.environ.update(KEYS | {"AWS_EC2_METADATA_DISABLED": "true"})
    cloud = subprocess.Popen(
        [PYTHON, "-m", "fleet.stand_in", "--logs", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert cloud.stdout is not None
        os.environ["AWS_ENDPOINT_URL"] = cloud.stdout.readline().strip()
        names = Names(bucket="firstlight-photos", queue="firstlight", table="firstlight")
        provision = Provision(Clients(), names, Settings())
        for step in provision.steps():
            step.do()
        checkpoint = folder / CHECKPOINT
        subprocess.run([PYTHON, "-m", "bench.old_worker", "--save", str(checkpoint)], cwd=ROOT, check=True)
        clients = Clients()
        clients.client("s3").put_object(Bucket=names.bucket, Key=CHECKPOINT, Body=checkpoint.read_bytes())
        settings = dict(line.split("=", 1) for line in provision.settings_lines())
        with closing(open_ports(Settings.read(settings), clock=now_ms)) as ports:
            yield World(
                ports=ports,
                settings=settings,
                bucket=names.bucket,
                old_queue=clients.client("sqs").create_queue(QueueName="old")["QueueUrl"],
                photo=night_jpeg(width, height),
                width=width,
                height=height,
            )
    finally:
        cloud.terminate()
        cloud.communicate()
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(outside)


def start(contender: Contender, there: World, *, forget: bool, ready_only: bool = False) -> Start:
    """Queue a photo, start the contender, and watch what it says. Raises RuntimeError when it does not finish."""
    (there.queue_for_us if contender.ours else there.queue_for_the_old)()
    if forget:
        os.sync()
        DROP.write_text("3")
    began = time.monotonic()
    ahead = None
    if contender.hot is not None:
        ahead = subprocess.Popen(
            [PYTHON, "-I", "-S", read_ahead.__file__, str(contender.hot)], stdout=subprocess.DEVNULL
        )
    process = subprocess.Popen(
        contender.command,
        cwd=contender.folder,
        env={**os.environ, **contender.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return _watched(process, began, ready_only=ready_only)
    finally:
        if ahead is not None:
            ahead.wait()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=BOUND_S)


def _watched(process: subprocess.Popen[str], began: float, *, ready_only: bool) -> Start:
    ready_s, ready_cpu_s, said = 0.0, 0.0, []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if READY.search(line):
            ready_s, ready_cpu_s = time.monotonic() - began, cpu_seconds(tree(process.pid))
        if DONE.search(line) or (ready_s and ready_only):
            result_s, cpu_s = time.monotonic() - began, cpu_seconds(tree(process.pid))
            return Start(ready_s=ready_s, ready_cpu_s=ready_cpu_s, result_s=result_s, cpu_s=cpu_s)
    raise RuntimeError(f"the worker ended before its photo was done\n{''.join(said[-20:])}")


def contenders(there: World, chosen: argparse.Namespace) -> list[Contender]:
    """The old worker first: the others are compared with it."""
    old = (PYTHON, "-m", "bench.old_worker", there.bucket, there.old_queue)
    found = [Contender(name="2021: torch, photo shrunk to 512", command=old, environ={}, ours=False)]
    if chosen.whole:
        found.append(Contender(name="2021: torch, whole photo", command=(*old, "--whole"), environ={}, ours=False))
    for engine in chosen.engines.split(","):
        environ = {**there.settings, "ENGINE": engine, "FLEET": "none:"}
        for name, folder in (("ours", ROOT), ("ours before", chosen.before)):
            if folder is not None:
                command = (PYTHON, "-m", "worker")
                where = folder.resolve()
                ours = Contender(name=f"{name}: {engine}", command=command, environ=environ, ours=True, folder=where)
                found.append(ours)
        if chosen.hot is not None:
            found.append(
                Contender(
                    name=f"ours, read ahead: {engine}",
                    command=(PYTHON, "-m", "worker"),
                    environ=environ,
                    ours=True,
                    hot=chosen.hot,
                )
            )
    return found


def measured(
    contenders: list[Contender], there: World, *, runs: int, forget: bool, ready_only: bool = False
) -> dict[str, list[Start]]:
    """Starts by contender, who take turns; the first turn, which warms caches, does not count unless they forget."""
    found: dict[str, list[Start]] = {each.name: [] for each in contenders}
    for turn in range(runs if forget else runs + 1):
        for each in contenders:
            if not forget and turn == 0 and "whole" in each.name:
                continue
            done = start(each, there, forget=forget, ready_only=ready_only)
            print(
                f"{each.name}: {done.ready_s:.2f} {done.ready_cpu_s:.2f} {done.result_s:.2f} {done.cpu_s:.2f}",
                file=sys.stderr,
                flush=True,
            )
            if forget or turn > 0:
                found[each.name].append(done)
    return found


def table(found: dict[str, list[Start]]) -> str:
    """Medians and spread, and each start over the old one's of the same turn.

    The old worker computed for the first time only at its first photo, so that our ready is also told over its result.
    """
    old = next(iter(found.values()))
    titles = (
        "ready, s",
        "ready, CPU s",
        "first result, s",
        "ready × old",
        "ready, CPU × old",
        "ready × result",
        "result × old",
    )
    lines = [f"{'':34} " + " ".join(f"{title:>18}" for title in titles)]
    for name, starts in found.items():
        cells = [
            spread([each.ready_s for each in starts]),
            spread([each.ready_cpu_s for each in starts]),
            spread([each.result_s for each in starts]),
            spread([each.ready_s / other.ready_s for each, other in zip(starts, old, strict=True)]),
            spread([each.ready_cpu_s / other.ready_cpu_s for each, other in zip(starts, old, strict=True)]),
            spread([each.ready_s / other.result_s for each, other in zip(starts, old, strict=True)]),
            spread([each.result_s / other.result_s for each, other in zip(starts, old, strict=True)]),
        ]
        lines.append(f"{name:34} " + " ".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def spread(figures: list[float]) -> str:
    """Median (least–most)."""
    return f"{statistics.median(figures):.2f} ({min(figures):.2f}–{max(figures):.2f})"


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--engines", default="openvino,torch", help="of our worker")
    parser.add_argument("--size", default="4000x3000", help="of the photo")
    parser.add_argument("--whole", action="store_true", help="the old worker also without shrinking the photo: slow")
    parser.add_argument("--before", type=Path, help="another checkout, whose worker takes part")
    parser.add_argument("--hot", type=Path, help="what `python -m worker.hot_files` wrote")
    parser.add_argument("--ready", action="store_true", help="end each start when it is ready")
    parser.add_argument("--forget", action="store_true", help="drop the page cache before each start; needs root")
    chosen = parser.parse_args(arguments)
    width, height = (int(side) for side in chosen.size.split("x"))
    with tempfile.TemporaryDirectory() as folder, world(width=width, height=height, folder=Path(folder)) as there:
        print(f"a {chosen.size} JPEG is queued; {chosen.runs} starts each, taking turns; median (least–most)")
        all_ = contenders(there, chosen)
        print(table(measured(all_, there, runs=chosen.runs, forget=chosen.forget, ready_only=chosen.ready)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
