"""Put hollow libraries in place of those that OpenCV is linked with and this program never calls.

    python hollow.py PREFIX

OpenCV's wheel carries FFmpeg, an old OpenSSL and a BLAS: 75 MB that every import maps and every scanner of images
reports, of which decoding a picture calls nothing. The loader wants them all the same, so each gets a
library of the same name, with the same symbols and versions, whose functions end the process with a sentence.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HOLLOW = ("libavcodec-*", "libavformat-*", "libavutil-*", "libswscale-*", "libopenblasp-*")
UNLINKED = (  # what only the hollow ones were linked with
    "libswresample-*", "libvpx-*", "libssl-*", "libcrypto-*", "libdrm-*", "libgfortran-*", "libquadmath-*",
)  # fmt: skip
BODY = """#include <stdlib.h>
#include <unistd.h>
static const char said[] = "This image holds a hollow {name}: see docker/hollow.py\\n";
static void gone(void) {{ if (write(2, said, sizeof said - 1)) abort(); abort(); }}
"""


class NotHollow(Exception):
    """A library that is not as this expects; the wheel has changed, and the tables above with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbol:
    """A function that a library gives or wants; `version` is empty where it has none."""

    name: str
    version: str


def main(prefix: str) -> None:
    for libraries in Path(prefix).glob("lib*/python3*/site-packages/opencv_python_headless.libs"):
        hollow = [_one(libraries, pattern) for pattern in HOLLOW]
        for pattern in UNLINKED:
            _one(libraries, pattern).unlink()
        users = [*libraries.parent.glob("cv2/cv2*.so"), *(each for each in libraries.iterdir() if each not in hollow)]
        wanted = {symbol for user in users for symbol in symbols(user, given=False)}
        for library in hollow:
            replace(library, sorted(wanted & symbols(library, given=True), key=lambda symbol: symbol.name))


def symbols(library: Path, *, given: bool) -> set[Symbol]:
    """The functions that `library` defines, or those that it wants from others."""
    lines = _said("readelf", "--wide", "--dyn-syms", str(library)).splitlines()
    found = set()
    for fields in (line.split() for line in lines):
        if len(fields) >= 8 and fields[3] in {"FUNC", "NOTYPE", "IFUNC"} and (fields[6] != "UND") == given:
            name, _, version = fields[7].replace("@@", "@").partition("@")
            found.add(Symbol(name=name, version=version))
    return found


def replace(library: Path, functions: list[Symbol]) -> None:
    """Write a hollow library over `library` that gives these functions."""
    soname = next((line.split("[")[1].split("]")[0] for line in _said("readelf", "-d", str(library)).splitlines()
                   if "(SONAME)" in line), None)  # fmt: skip
    if soname is None or not functions:
        raise NotHollow(f"{library.name} has no name or nobody wants it: see docker/hollow.py")
    body = BODY.format(name=soname) + "".join(f"void {each.name}(void) {{ gone(); }}\n" for each in functions)
    versions = {each.version: [one.name for one in functions if one.version == each.version] for each in functions}
    script = "".join(f"{version} {{ {''.join(f'{name}; ' for name in names)} }};\n"
                     for version, names in versions.items() if version)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        source, map_ = Path(folder, "hollow.c"), Path(folder, "hollow.map")
        source.write_text(body)
        map_.write_text(script)
        options = ["-shared", "-fPIC", "-Os", "-s", "-w", f"-Wl,-soname,{soname}", "-Wl,-z,noseparate-code"]
        if script:
            options.append(f"-Wl,--version-script={map_}")
        library.unlink()
        _said("gcc", *options, str(source), "-o", str(library))


def _one(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise NotHollow(f"{pattern} names {len(found)} libraries of OpenCV: see docker/hollow.py")
    return found[0]


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(sys.argv[1])
