"""An engine that is done preparing only when its photo has come, in the real child process."""

import sys
import threading
from pathlib import Path
from types import SimpleNamespace

from worker.engine_child import serve

come = threading.Event()


def expect(layout, width, height, *, depth_in, depth_out):
    Path(sys.argv[2]).write_text("beside" if come.wait(18) else "before")


def enhance(source, raster, ratio, target, progress):
    come.set()
    target[:] = source * 2
    return 2.0


if __name__ == "__main__":
    engine = SimpleNamespace(name="stand-in", reason="it prepares beside", expect=expect, enhance=enhance)
    sys.exit(serve(int(sys.argv[1]), lambda: engine))
