"""An engine that writes down what it is told to expect, in the real child process, and fails at it too if told so."""

import sys
from pathlib import Path
from types import SimpleNamespace

from worker.engine_child import serve


def expect(layout, width, height, *, depth_in, depth_out):
    mark = Path(sys.argv[2])
    mark.write_text(f"{layout} {width}x{height} {depth_in} {depth_out}")
    raise RuntimeError("there is no memory to prepare in")


def enhance(source, raster, ratio, target, progress):
    target[:] = source * 2
    return 2.0


if __name__ == "__main__":
    engine = SimpleNamespace(name="stand-in", reason="it foresees", expect=expect, enhance=enhance)
    sys.exit(serve(int(sys.argv[1]), lambda: engine))
