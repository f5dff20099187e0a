"""The layers of an image, the largest first, and why each is there: `python docker/layers.py IMAGE [PODMAN …]`."""

from __future__ import annotations

import json
import subprocess
import sys

WHY = (  # what tells a layer in the engine's history → what it is
    ("imported from tarball", "base: Debian, Python's libraries and Python (a stand-in for the published one)"),
    ("bare.py", "bytecode of Python's own library, which the published base comes without"),
    ("apt-get", "libseccomp2, tini"),
)
DECODERS, ENGINE = "decoders, NumPy, boto3: opens and writes photos", "the engine"
WEB, PAGE, PROGRAM = "Flask, gevent, uWSGI", "the page that people open", "the program, its weights, bytecode"
COPIES = {  # the copies out of other stages, in their order, by image: the history does not name the stages
    "firstlight-worker:cpu": (DECODERS, ENGINE, PROGRAM),
    "firstlight-worker:gpu": (DECODERS, ENGINE, PROGRAM),
    "firstlight-api:latest": (DECODERS, WEB, PAGE, PROGRAM),
    "firstlight-api:bridge": (DECODERS, WEB, ENGINE, PAGE, PROGRAM),
}


def table(podman: list[str], image: str) -> str:
    """A table of the layers that hold anything, in MB (10⁶ bytes) uncompressed."""
    said = subprocess.run([*podman, "history", "--format", "json", image], capture_output=True, check=True, text=True)
    rows = [(row["size"], row["CreatedBy"], row.get("comment", "")) for row in json.loads(said.stdout)]
    copies = iter(COPIES.get(image.removeprefix("localhost/"), ()))
    named = []
    for size, made_by, comment in reversed(rows):  # oldest first
        if size < 100_000:
            continue
        why = next((what for sign, what in WHY if sign in made_by or sign in comment), None)
        named.append((size, why or (next(copies, made_by) if "COPY" in made_by else made_by)))
    total = sum(size for size, _, _ in rows)
    lines = [f"{size / 1e6:8.1f}  {why}" for size, why in sorted(named, reverse=True)]
    return "\n".join([f"{image}: {total / 1e6:.0f} MB uncompressed", *lines, ""])


if __name__ == "__main__":
    print(table(sys.argv[2:] or ["docker"], sys.argv[1]))
