"""The root file system of the old worker's container: the stand-in for its base image, torch, and what it imports.

The packages are those of the Python that runs this, which is the one that the stand-in copies: nothing is fetched.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
IMPORTED = ("torch", "boto3", "numpy", "pillow")


class NotInstalled(Exception):
    """A package that the old worker imports is not here; the sentence names the cure."""


def make_container(root: Path) -> None:
    """Fill `root`, which must not exist. Raises NotInstalled."""
    wanted = distributions(IMPORTED)
    if subprocess.run([sys.executable, str(ROOT / "docker" / "stand_in.py"), str(root)], check=False).returncode:
        raise NotInstalled("the stand-in for the base image cannot be made; its words are above")
    site = root / "usr/local/lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    here = Path(sysconfig.get_path("purelib"))
    for distribution in wanted:
        for file in distribution.files or ():
            if ".." in file.parts or not (here / file).is_file():
                continue  # a command, or bytecode that was never written
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(here / file, target)


def distributions(names: Iterable[str]) -> list[metadata.Distribution]:
    """These packages and all that they need, each once. Raises NotInstalled."""
    found, wanted = dict[str, metadata.Distribution](), list(names)
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise NotInstalled(f"{name} is not installed: make test installs it") from None
        needs = map(Requirement, found[name].requires or ())
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return list(found.values())
