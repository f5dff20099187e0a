"""Small workers, one file for each way to behave, and what can be seen of them from outside."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from jobs.settings import Settings

WORKERS = Path(__file__).parent / "workers"


def worker(name: str, *arguments: str) -> list[str]:
    return [f"{sys.prefix}/bin/python", str(WORKERS / f"{name}.py"), *arguments]


def until(condition: Callable[[], object], *, within_s: float = 50.0) -> None:
    """Wait for an event of another process, with a bound."""
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it never happened"
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return not stat.parent.parent.joinpath("self").exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it went before the file was opened, or before it was read
        return False


def record(settings: Settings, slot: int = 0) -> dict[str, int]:
    return json.loads(Path(settings.fleet.removeprefix("process:"), f"{slot}.json").read_text())


def said(settings: Settings, slot: int = 0) -> str:
    path = Path(settings.fleet.removeprefix("process:"), f"{slot}.log")
    return path.read_text() if path.exists() else ""


def working(settings: Settings) -> bool:
    return record(settings).get("worker") is not None and said(settings).endswith("\n")
