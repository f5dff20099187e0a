"""Lighthouse's marks of the page as the service serves it, and what the page weighs by library."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.node import Node
from cli.page import WEB

PLACE = WEB / "lighthouse"
KINDS = ("performance", "accessibility", "best-practices")
LEAST = 95
MOST_GZIP_KB = 120
START_S, RUN_S = 60.0, 180.0
PRESETS = {"desktop": ["--preset=desktop"], "mobile": []}  # Lighthouse's own default is a slow phone
CHROME = "--headless=new --no-sandbox --disable-gpu"


def lighthouse(node: Node, chromium: str) -> int:
    """Marks of 0 to 100 for a desktop and a slow phone; 1 if any is below 95, and what lowers it."""
    if not (PLACE / "node_modules").exists():
        subprocess.run([*node.npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=PLACE, check=True)
    low = False
    with _service() as url:
        for preset, options in PRESETS.items():
            report = _report(node, chromium, url, options)
            marks = {kind: round(100 * report["categories"][kind]["score"]) for kind in KINDS}
            print(preset.ljust(8), "  ".join(f"{kind} {mark}" for kind, mark in marks.items()), flush=True)
            for line in _lowered(report):
                print(f"           {line}")
            low = low or min(marks.values()) < LEAST
    return int(low)


def weigh(built: Path = WEB / "dist") -> int:
    """What comes with the first load, and from which library; 1 if the scripts are over their bound."""
    text = (built / "index.html").read_text()
    first = sorted(set(re.findall(r"/assets/([\w.-]+\.(?:js|css))", text)))
    sizes = {name: len(gzip.compress((built / "assets" / name).read_bytes(), 9)) for name in first}
    for name, size in sizes.items():
        print(f"{size / 1000:7.1f} KB gzip  {name}")
    scripts = sum(size for name, size in sizes.items() if name.endswith(".js")) / 1000
    print(f"{scripts:7.1f} KB gzip  of scripts at the first load; at most {MOST_GZIP_KB}")
    made_of = WEB / "build" / "made-of.json"
    if made_of.exists():
        print("Of what the parts are made, before compression:")
        for name, size in Counter(json.loads(made_of.read_text())).most_common(12):
            print(f"{size / 1000:7.1f} KB       {name}")
    return int(scripts > MOST_GZIP_KB)


def _report(node: Node, chromium: str, url: str, options: list[str]) -> dict[str, Any]:
    script = PLACE / "node_modules" / "lighthouse" / "cli" / "index.js"
    asked = [f"--only-categories={','.join(KINDS)}", "--output=json", "--quiet", f"--chrome-flags={CHROME}", *options]
    environ = {**os.environ, "CHROME_PATH": chromium}
    done = subprocess.run(
        [node.node, str(script), url, *asked], env=environ, stdout=subprocess.PIPE, timeout=RUN_S, check=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _lowered(report: dict[str, Any]) -> Iterator[str]:
    """The audits that cost marks, worst first."""
    weights = {each["id"]: each["weight"] for kind in KINDS for each in report["categories"][kind]["auditRefs"]}
    costly = [
        (weights[name] * (1 - audit["score"]), name, audit.get("displayValue", ""))
        for name, audit in report["audits"].items()
        if audit["score"] is not None and weights.get(name) and audit["score"] < 1
    ]
    for cost, name, shown in sorted(costly, reverse=True):
        yield f"{name} {shown} (costs {cost:.1f})"


@contextmanager
def _service() -> Iterator[str]:
    """`firstlight up` on stores of its own, and a port that is free."""
    with socket.socket() as free, TemporaryDirectory(prefix="firstlight-marks-") as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        jobs = f"sqlite:{folder}/jobs.db"
        stores = {"BLOBS": f"file:{folder}/blobs", "QUEUE": jobs, "TABLE": jobs, "SPOOL": f"{folder}/spool"}
        machines = {"FLEET": f"process:{folder}/machines", "PORT": str(port), "AWS_EC2_METADATA_DISABLED": "true"}
        running = subprocess.Popen(
            [sys.executable, "-m", "cli", "up"], env={**os.environ, **stores, **machines}, stdout=subprocess.DEVNULL
        )
        url = f"http://127.0.0.1:{port}/"
        try:
            _answers(f"{url}ready", running)
            yield url
        finally:
            running.terminate()
            running.wait()


def _answers(url: str, running: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends and running.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the service did not start")
