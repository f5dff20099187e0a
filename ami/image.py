"""Turns an OCI image's configuration into a systemd unit: `image.py CONFIG OUT` writes OUT/image.conf and OUT/names.

CONFIG holds what `docker image inspect --format '{{json .Config}}'` prints. The unit runs the unpacked image without
a container engine: user, command, folder and environment come from here, the walls from firstlight-worker.service.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jobs.settings import Settings

# The image's own, or of another part of the service: user data must not change them.
HELD = frozenset({"SANDBOX", "PULSE_FILE", "GRAPH_CACHE", "SPOOL", "HOST", "PORT", "API_PROCESSES"})
AWS = ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_REGION")
LAUNCH = ("--slot", "${SLOT}", "--epoch", "${EPOCH}")


class UnusableImage(Exception):
    """The image cannot run on a machine of ours; the sentence names the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a container engine would heed of an image's configuration."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    user: str
    group: str
    folder: str


def image_of(config: Mapping[str, Any]) -> Image:
    """Read an image's `Config`. Raises UnusableImage for one without a command or with a user who may be root."""
    command = (*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ()))
    if command and Path(command[0]).name == "tini":  # systemd is the init here
        command = command[2:] if command[1:2] == ("--",) else command[1:]
    user, _, group = str(config.get("User") or "").partition(":")
    if not command:
        raise UnusableImage("the image has neither ENTRYPOINT nor CMD: bake firstlight-worker")
    if not re.fullmatch(r"[1-9]\d{0,8}", user):
        raise UnusableImage(f"the image's user is {user!r}: give USER as a number that is not 0")
    pairs = (str(each).partition("=") for each in config.get("Env") or ())
    return Image(
        command=command,
        environ={name: value for name, _, value in pairs},
        user=user,
        group=group if re.fullmatch(r"[1-9]\d{0,8}", group) else user,
        folder=str(config.get("WorkingDir") or "/"),
    )


def unit(image: Image) -> str:
    """The drop-in for firstlight-worker.service."""
    folders = image.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin").split(":")
    environ = [f"Environment={_quoted(f'{name}={value}')}" for name, value in sorted(image.environ.items())]
    words = [_quoted(word).replace("$", "$$") for word in image.command]
    return "\n".join(
        [
            "[Service]",
            f"User={image.user}",
            f"Group={image.group}",
            f"WorkingDirectory={image.folder.replace('%', '%%')}",
            f"ExecSearchPath={':'.join(each.replace('%', '%%') for each in folders)}",
            *environ,
            # boto3 would ask its machine's role once and for one second.
            "Environment=AWS_METADATA_SERVICE_TIMEOUT=5 AWS_METADATA_SERVICE_NUM_ATTEMPTS=5",
            # Last, so that an image's own ENV cannot open what the machine closes.
            "Environment=SANDBOX=strict PULSE_FILE=/run/firstlight/pulse HOME=/tmp",
            f"ExecStart={' '.join([*words, *LAUNCH])}",
            "",
        ]
    )


def names() -> Sequence[str]:
    """The names that user data may set: every setting but those held here, and where AWS is."""
    return sorted({each.name.upper() for each in fields(Settings)} - HELD | set(AWS))


def _quoted(word: str) -> str:
    """As systemd reads a word back: in quotes, with no specifier and no escape of its own."""
    if not re.fullmatch(r"[ -~]*", word):
        raise UnusableImage(f"the image's configuration holds a control character: {word!r}")
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def main(arguments: Sequence[str]) -> int:
    config, out = Path(arguments[0]), Path(arguments[1])
    try:
        text = unit(image_of(json.loads(config.read_text())))
    except UnusableImage as fact:
        print(f"ami: {fact}", file=sys.stderr)
        return 1
    out.joinpath("image.conf").write_text(text)
    out.joinpath("names").write_text("\n".join(names()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
