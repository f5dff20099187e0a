"""How soon the page shows a preview: `python -m bench.page`; drops in Chromium, against the service without workers."""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from bench.gpu import night_raw
from bench.nights import night_jpeg
from bench.service import ROOT, service

WEB = ROOT / "web"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
RUN_S = 900.0
EXIF_TURNED = 6
"""Orientation of a camera held upright."""


def photos() -> dict[str, tuple[str, bytes]]:
    """File name and bytes of what is dropped: nights with a camera's noise, one of them turned, one a raw."""
    large = night_jpeg(6000, 4000)
    return {
        "12 MP JPEG": ("night12.jpg", night_jpeg(4000, 3000)),
        "12 MP JPEG, turned": ("turned12.jpg", turned(night_jpeg(4000, 3000, seed=1))),
        "24 MP JPEG": ("night24.jpg", large),
        "24 MP raw, its JPEG 24 MP": ("night24.dng", with_preview(night_raw(24.0), large)),
    }


def turned(jpeg: bytes) -> bytes:
    """The same codes, to be shown turned by 90 degrees."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = EXIF_TURNED
    with Image.open(io.BytesIO(jpeg)) as picture:
        picture.save(file, "JPEG", quality="keep", exif=exif)
    return file.getvalue()


def with_preview(dng: bytes, jpeg: bytes) -> bytes:
    """A little-endian DNG of one directory, and after it the JPEG that a camera would have put into it."""
    (first,) = struct.unpack_from("<I", dng, 4)
    (entries,) = struct.unpack_from("<H", dng, first)
    at = len(dng) + len(dng) % 2
    directory = struct.pack("<H" + "HHII" * 2 + "I", 2, 0x0201, 4, 1, at + 30, 0x0202, 4, 1, len(jpeg), 0)
    whole = bytearray(dng.ljust(at, b"\0") + directory + jpeg)
    struct.pack_into("<I", whole, first + 2 + 12 * entries, at)
    return bytes(whole)


def drops(count: int) -> list[dict[str, Any]]:
    """Milliseconds and CPU seconds of each drop, as `web/bench/preview.bench.ts` measured them."""
    subprocess.run([sys.executable, "-m", "cli", "page"], cwd=ROOT, check=True, stdout=sys.stderr)
    node = shutil.which("node")
    browser = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    runner = WEB / "node_modules" / "@playwright" / "test" / "cli.js"
    if node is None or browser is None or not runner.exists():
        sys.exit("Node.js, Chromium or Playwright is not here; `make test-web` says which and fetches the rest.")
    with tempfile.TemporaryDirectory(prefix="firstlight-drops-") as name, service(FLEET="none:") as running:
        folder = Path(name)
        paths = {}
        for title, (file, content) in photos().items():
            (folder / file).write_bytes(content)
            paths[title] = str(folder / file)
        asked = {"url": running.url, "photos": paths, "drops": count, "out": str(folder / "drops.json")}
        environ = {**os.environ, "CHROMIUM": browser, "ASKED": json.dumps(asked)}
        command = [node, str(runner), "test", "--config", "bench"]
        subprocess.run(command, cwd=WEB, env=environ, check=True, timeout=RUN_S, stdout=sys.stderr)
        found: list[dict[str, Any]] = json.loads((folder / "drops.json").read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drops", type=int, default=7, help="of each photo")
    found = drops(parser.parse_args().drops)
    print(
        "From a photo's arrival to its first painted preview, and all that the browser did for it. Median, least, most."
    )
    for title, screen in dict.fromkeys((each["photo"], each["screen"]) for each in found):
        mine = [each for each in found if (each["photo"], each["screen"]) == (title, screen)]
        figures = [sorted(each[unit] for each in mine) for unit in ("shown_ms", "cpu_s")]
        (shown, cpu), how = figures, mine[0]["how"]
        print(
            f"  {title + ', ' + screen:38} {statistics.median(shown):5.0f} ({shown[0]:.0f}–{shown[-1]:.0f}) ms"
            f"   {statistics.median(cpu):.2f} ({cpu[0]:.2f}–{cpu[-1]:.2f}) CPU s   drawn by the {how}"
        )


if __name__ == "__main__":
    main()
