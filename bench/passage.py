"""A 24 MP photo through a warm worker, bytes to bytes; the memory it needs; and `firstlight enhance`, cold.

`python -m bench.passage` measures all of it; `firstlight bench` does too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.gpu import DEADLINE_S, Workbench, night_raw
from bench.nights import night_jpeg
from bench.service import ROOT, Service, service
from photos.codec import Codec
from worker.engine import EngineProcess

SAMPLES_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured, of which unit, one figure a run."""

    name: str
    unit: str
    figures: tuple[float, ...]

    @property
    def line(self) -> str:
        middle, least, most = statistics.median(self.figures), min(self.figures), max(self.figures)
        return f"  {self.name:54} {middle:>8.2f} {least:>8.2f} {most:>8.2f}  {self.unit}"


def photos(megapixels: float = 24.0) -> dict[str, bytes]:
    """A dark JPEG and a dark DNG, 3:2."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return {"JPEG": night_jpeg(height * 3 // 2, height), "raw": night_raw(megapixels)}


def passages(engine: str, *, runs: int, megapixels: float = 24.0) -> list[Measured]:
    """Wall and CPU seconds from a photo's bytes to the JPEG's, through a worker's processes, after a first photo."""
    child = EngineProcess(engine=engine, threads=0, stall_s=DEADLINE_S, load_s=DEADLINE_S)
    found = []
    with Codec(sandbox="auto") as codec:
        child.start()
        try:
            for name, photo in photos(megapixels).items():
                workbench = Workbench(photo, codec, child)
                walls, busy = [], []
                for _ in range(runs + 1):
                    began, worked = time.monotonic(), cpu_seconds(tree(os.getpid()))
                    workbench.encode(workbench.enhance(workbench.decode(None)))
                    walls.append(time.monotonic() - began)
                    busy.append(cpu_seconds(tree(os.getpid())) - worked)
                title = f"{megapixels:.0f} MP {name} to JPEG, warm"
                found += [
                    Measured(name=title, unit="s", figures=tuple(walls[1:])),
                    Measured(name=title, unit="core-s", figures=tuple(busy[1:])),
                ]
        finally:
            child.stop()
    return found


def worker_memory(engine: str, *, megapixels: float = 24.0) -> Measured:
    """The largest proportional set size of a worker and all its children, while two photos of each kind pass."""
    peak = 0.0
    with service(ENGINE=engine) as running:
        running.warm()
        (worker,) = running.processes(running="-m worker --slot")
        ended = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(SAMPLES_S):
                peak = max(peak, proportional_set_size(tree(worker)))

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        for photo in photos(megapixels).values():
            for accepted in [running.upload(photo, name="night") for _ in range(2)]:
                done(running, accepted["id"])
        ended.set()
        watching.join()
    return Measured(name=f"worker and children, {megapixels:.0f} MP, at most", unit="MB PSS", figures=(peak / 1e6,))


def done(running: Service, job_id: str) -> None:
    """Wait for a job. Raises RuntimeError when it failed."""
    status = running.finished(job_id)
    if status["state"] != "done":
        raise RuntimeError(f"the photo failed: {status['error']}")


def cold_enhance(engine: str, *, runs: int, megapixels: float = 12.0) -> Measured:
    """Wall seconds of `firstlight enhance` on one JPEG, a new process each time."""
    height = round((megapixels * 1e6 * 0.75) ** 0.5)
    walls = []
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder) / "night.jpg"
        photo.write_bytes(night_jpeg(height * 4 // 3, height))
        command = [str(Path(sys.prefix) / "bin" / "python"), "-m", "cli", "enhance", str(photo), "--force"]
        environ = {**os.environ, "ENGINE": engine}
        for _ in range(runs):
            began = time.monotonic()
            subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
            walls.append(time.monotonic() - began)
    return Measured(name=f"firstlight enhance, {megapixels:.0f} MP JPEG, cold", unit="s", figures=tuple(walls))


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and (stat := fields(int(each.name))):
            children.setdefault(int(stat[1]), []).append(int(each.name))
    found = [pid]
    for process in found:
        found += children.get(process, [])
    return found


def fields(pid: int) -> list[str]:
    """/proc/<pid>/stat from the state on (proc(5) counts it third); empty when the process has gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes and of their children that ended."""
    ticks = sum(int(tick) for pid in pids for tick in fields(pid)[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def proportional_set_size(pids: list[int]) -> float:
    """Bytes in memory, pages shared with others counted in part."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return total * 1024.0


def measured(engine: str, *, runs: int) -> list[Measured]:
    """All of it."""
    return [*passages(engine, runs=runs), cold_enhance(engine, runs=runs), worker_memory(engine)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    for each in measured(chosen.engine, runs=chosen.runs):
        print(each.line)
