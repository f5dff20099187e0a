"""Take out of the base image's Python what nobody needs once the images are built, and compile the rest.

The published image comes without bytecode; under a read-only root each start would compile what it imports anew.
"""

from __future__ import annotations

import compileall
import py_compile
import shutil
import sysconfig
from pathlib import Path

NOT_NEEDED = {  # under the standard library → why it goes
    "site-packages/pip*": "installs packages; images are built anew instead",
    "site-packages/setuptools*": "builds packages",
    "site-packages/pkg_resources": "setuptools' own",
    "site-packages/_distutils_hack": "setuptools' own",
    "site-packages/distutils-precedence.pth": "setuptools' own, run at each start of Python",
    "site-packages/wheel*": "builds packages",
    "ensurepip": "would bring pip back",
    "idlelib": "an editor",
    "tkinter": "windows; Tk is not there",
    "turtledemo": "windows; Tk is not there",
    "lib2to3": "translates Python 2",
    "pydoc_data": "help() at a prompt",
}
PROGRAMS = ("pip*", "wheel*", "idle*", "2to3*", "pydoc*", "python3*-config")


def main() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    for pattern in NOT_NEEDED:
        for each in library.glob(pattern):
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    for pattern in PROGRAMS:
        for each in Path(sysconfig.get_path("scripts")).glob(pattern):
            each.unlink()
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(library, quiet=2, force=True, workers=0, invalidation_mode=mode)


if __name__ == "__main__":
    main()
