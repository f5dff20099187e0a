"""An engine whose accelerator breaks at every photo, in the real child process."""

import sys
from types import SimpleNamespace

from model.engine import EngineBroken
from worker.engine_child import serve


def enhance(*_):
    raise EngineBroken("CUDA error: an illegal memory access was encountered")


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1]), lambda: SimpleNamespace(name="stand-in", reason="it breaks", enhance=enhance)))
