"""`firstlight page`: build the page in `web/` into a folder from which the API serves it.

    sources ─ changed? ─▶ Node ─▶ npm ci ─▶ vite build ─▶ parts copied beside the old ones ─▶ index.html replaced

Whoever reads meanwhile gets the old page or the new one, whole; pages that are open keep their parts.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from api.server import ROOT
from cli.node import Node, find_node

WEB = ROOT / "web"
# What the page is made of besides its own folder: the curves, and the weights that its preview exposes by.
SHARED = (ROOT / "model" / "tone.json", ROOT / "model" / "weights" / "exposure.safetensors")
SOURCES = ("index.html", "package.json", "package-lock.json", ".npmrc", "vite.config.ts", "src")
MADE_OF = "made-of.sha256"
KEPT_S = 7 * 86400.0  # for pages that are open since before
FETCH_S, BUILD_S = 900.0, 300.0
TOLD_LINES = 6


@click.command()
@click.option("--force", is_flag=True, help="build it even if nothing has changed")
def command(*, force: bool) -> None:
    """Build the page, unless it is built of these very sources already."""
    if not force and is_current(WEB):
        click.echo("The page is built")
        return
    with _alone(WEB / "build"):
        if force or not is_current(WEB):
            build(WEB, find_node(ROOT / "constraints.txt"))
    click.echo("The page is built")


def is_current(web: Path) -> bool:
    """Whether what is published was built of these sources."""
    made_of = web / "dist" / MADE_OF
    return made_of.exists() and made_of.read_text() == digest(web)


def digest(web: Path) -> str:
    """The sha256 of everything that the page is made of, names included."""
    whole = hashlib.sha256()
    for path in _sources(web):
        whole.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


def build(web: Path, node: Node) -> None:
    """Fetch the libraries unless they are here, build, publish. Raises ClickException with the reason."""
    made_of = digest(web)
    _fetch(web, node)
    with tempfile.TemporaryDirectory(dir=web / "build") as folder:
        vite = [node.node, str(web / "node_modules" / "vite" / "bin" / "vite.js"), "build"]
        _run("The page could not be built", [*vite, "--outDir", folder, "--logLevel", "warn"], web, node, BUILD_S)
        publish(Path(folder), web / "dist", made_of)


def publish(built: Path, place: Path, made_of: str) -> None:
    """Put a whole build where it is served from: its parts first, the page that names them last.

    Parts of builds that were replaced more than a week ago go.
    """
    for path in sorted(built.rglob("*")):
        if path.is_file() and path.name != "index.html":
            target = place / path.relative_to(built)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target.with_name(f".{target.name}"))
            target.with_name(f".{target.name}").replace(target)
    shutil.copyfile(built / "index.html", place / ".index.html")
    (place / ".index.html").replace(place / "index.html")
    (place / MADE_OF).write_text(made_of)
    _prune(built, place)


def _prune(built: Path, place: Path) -> None:
    """Every build renews the age of its own parts, so what is old is of none that was published lately."""
    now = (place / MADE_OF).stat().st_mtime
    for path in (place / "assets").glob("*"):
        if not (built / "assets" / path.name).exists() and now - path.stat().st_mtime > KEPT_S:
            path.unlink(missing_ok=True)


def is_fetched(web: Path) -> bool:
    """Whether every library that the build needs is installed in the version that the lock file names."""
    installed = web / "node_modules" / ".package-lock.json"  # npm's own record
    if not installed.exists():
        return False
    there = json.loads(installed.read_text())["packages"]
    wanted = json.loads((web / "package-lock.json").read_text())["packages"]
    return all(
        there.get(name, {}).get("version") == each["version"]
        for name, each in wanted.items()
        if name and not any(each.get(kind) for kind in ("dev", "optional", "devOptional"))
    )


def _sources(web: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = web / name
        yield from sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    yield from SHARED


def _fetch(web: Path, node: Node) -> None:
    """`npm ci` of what the build needs, unless it, or more, is there."""
    if is_fetched(web):
        return
    ci = [*node.npm, "ci", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"]
    _run("The page's libraries could not be fetched from npm", ci, web, node, FETCH_S)


def _run(failure: str, command: list[str], web: Path, node: Node, most_s: float) -> None:
    path = os.pathsep.join([str(Path(node.node).parent), os.environ.get("PATH", "")])  # noqa: TID251 — handed on
    environ = {**os.environ, "PATH": path, "CI": "true"}  # noqa: TID251 — handed on to npm, which reads proxies there
    try:
        done = subprocess.run(
            command, cwd=web, env=environ, capture_output=True, text=True, timeout=most_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fact:
        raise click.ClickException(f"{failure}: {fact}") from None
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()][:TOLD_LINES]
        raise click.ClickException("\n".join([f"{failure}:", *words]))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One build at a time, whoever asks."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
