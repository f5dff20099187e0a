"""A base image made on this machine, for trials where no registry can be reached.

    python docker/stand_in.py FOLDER      its files alone; FOLDER must not exist

What python:3.11-slim-bookworm holds: Debian's minimal packages, the libraries that Python was linked with, Python and
pip under /usr/local, stripped and without its tests. Needs root, mmdebstrap, and a Python of its own (python.org's
layout, as pyenv builds it), which it copies.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (  # what the published image has beside Debian's minimum, and what its Python is linked with
    "ca-certificates", "netbase", "tzdata", "usr-is-merged",
    "libbz2-1.0", "libexpat1", "libffi8", "liblzma5", "libncursesw6", "libnsl2", "libreadline8", "libsqlite3-0",
    "libssl3", "libtirpc3", "libuuid1", "zlib1g",
)  # fmt: skip
PURGED = ("usrmerge", "perl", "'libperl5*'", "'perl-modules*'", "'libgdbm*'", "'*-perl'")  # usr-is-merged does instead
UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt/lists", "var/cache/apt")
LEFT_OUT = ("site-packages", "__pycache__", "test", "tests", "idle_test", "config-3*", "*.a")


class NoStandIn(Exception):
    """The base cannot be made here; the message names the cure."""


def make_root(root: Path) -> None:
    """Fill `root`, which must not exist, with the base's files, in about a minute. Raises NoStandIn."""
    if shutil.which("mmdebstrap") is None:
        raise NoStandIn("mmdebstrap makes the stand-in's root: apt-get install mmdebstrap")
    prefix = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if prefix == Path("/usr") or not (prefix / "bin" / version).exists():
        raise NoStandIn(f"{prefix} is not a Python of its own that could be copied: run this with one from pyenv or uv")
    erase = " ".join(f'"$1"/{each}/*' for each in UNREAD)
    _run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}",
         f'--customize-hook=chroot "$1" apt-get -yqq purge {" ".join(PURGED)}',
         f"--customize-hook=rm -rf {erase}", SUITE, str(root))  # fmt: skip
    _copy_python(prefix, version, root / "usr" / "local")
    links = " && ".join(f"ln -sf {old} /usr/local/bin/{new}" for old, new in
                        ((version, "python3"), ("python3", "python"), ("pip3", "pip")))  # fmt: skip
    _run("chroot", str(root), "sh", "-c", f"ldconfig && {links} && PIP_ROOT_USER_ACTION=ignore python -m ensurepip")


def import_root(podman: list[str], root: Path, tag: str) -> None:
    """Hand the files of `root` to podman's storage as the image `tag`."""
    packed = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
    try:
        _run(*podman, "import", "--quiet", "--change", "CMD=python3", "-", tag, stdin=packed.stdout)
    finally:
        packed.kill()
        packed.wait()


def _copy_python(prefix: Path, version: str, to: Path) -> None:
    left_out = shutil.ignore_patterns(*LEFT_OUT)
    shutil.copytree(prefix / "lib" / version, to / "lib" / version, symlinks=True, ignore=left_out)
    (to / "lib" / version / "site-packages").mkdir()
    shutil.copy2(prefix / "bin" / version, to / "bin" / version)
    for library in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(library, to / "lib" / library.name, follow_symlinks=False)
    if shutil.which("strip"):
        binaries = [
            to / "bin" / version,
            *(to / "lib").glob("libpython*.so.*"),
            *(to / "lib").rglob("lib-dynload/*.so"),
        ]
        _run("strip", "--strip-unneeded", *map(str, binaries))


def _run(*command: str, stdin: object = None) -> None:
    done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)  # type: ignore[call-overload]
    if done.returncode:
        raise NoStandIn(f"{command[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


if __name__ == "__main__":
    try:
        make_root(Path(sys.argv[1]))
    except NoStandIn as fact:
        sys.exit(str(fact))
