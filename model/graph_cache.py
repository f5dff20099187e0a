"""Compiled OpenVINO graphs in a folder: to read one back saves a seventh of compiling it, and the trial at a start.

OpenVINO's own cache (CACHE_DIR) computes with a damaged file as if nothing had happened, and its keys differ between
runs; here a file begins with its sha256, and its name says all that it depends on. `model/baking.py` fills one. What is
kept is the transformed network, not machine code, which is made at each reading: 0.19 s of 0.22 for 12 MP. OpenVINO
notes its version and the instruction set in it and refuses others, so that a graph baked elsewhere would rarely serve.
"""

import logging
import os
import platform
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

from model import graph, graph_layers, graph_light, network_range

SOURCES = (graph, graph_layers, graph_light, network_range)
MOST = 24
"""Graphs kept, of three to eight MB each; those that were not used for longest go first."""
DIGEST = 32

log = logging.getLogger(__name__)


class GraphCache:
    """Graphs for one engine; what they depend on beside their shape is `grounds`."""

    def __init__(self, folder: Path, grounds: tuple[object, ...]) -> None:
        self.folder = folder
        self.grounds = grounds

    def file(self, kind: tuple[object, ...]) -> Path:
        """Where the graph of this kind lies."""
        return self.folder / f"{sha256(repr((self.grounds, kind)).encode()).hexdigest()[:32]}.graph"

    def holds(self, kind: tuple[object, ...]) -> bool:
        """Whether a graph of this kind was compiled before, for this processor and by this OpenVINO."""
        return self._content(kind) is not None

    def read(self, kind: tuple[object, ...], load: Callable[[BytesIO], Any]) -> Any | None:
        """What `load` makes of a kept graph; None where there is none, or a damaged one, which is told."""
        content = self._content(kind)
        if content is None:
            return None
        try:
            return load(BytesIO(content))
        except RuntimeError as error:
            log.warning("the graph %s does not suit this OpenVINO (%s); it is compiled anew", self.file(kind), error)
            return None

    def _content(self, kind: tuple[object, ...]) -> bytes | None:
        file = self.file(kind)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the graph %s cannot be read (%s); it is compiled anew", file, error)
            return None
        if sha256(content[DIGEST:]).digest() != content[:DIGEST]:
            log.warning("the graph %s is damaged; it is compiled anew", file)
            return None
        with suppress(OSError):  # in an image the folder is not ours
            os.utime(file)
        return content[DIGEST:]

    def keep(self, kind: tuple[object, ...], content: bytes) -> None:
        """Write a graph, whole or not at all; nothing where the folder may not be written to, as in an image."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.writable:
                return
            unfinished = self.file(kind).with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(sha256(content).digest() + content)
            unfinished.replace(self.file(kind))
            for old in sorted(self.folder.glob("*.graph"), key=lambda each: each.stat().st_mtime)[:-MOST]:
                old.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a compiled graph cannot be kept in GRAPH_CACHE=%s (%s)", self.folder, error)

    @property
    def writable(self) -> bool:
        """Whether graphs can be added."""
        return os.access(self.folder, os.W_OK)


def sources() -> str:
    """The sha256 of the code that builds graphs: changed code makes other graphs of the same weights."""
    files = [Path(str(each.__file__)) for each in SOURCES]
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def cpu() -> str:
    """The processor's model and what it can do: graphs are compiled for these."""
    if sys.platform != "linux":
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("model name", "flags", "CPU part", "Features")  # the last two on ARM
    with Path("/proc/cpuinfo").open() as lines:
        first = (line for line, _ in zip(lines, range(40), strict=False))
        return " ".join(sorted({line.strip() for line in first if line.startswith(wanted)}))
