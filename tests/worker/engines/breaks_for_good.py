"""An engine whose accelerator breaks at the first photo and is gone then: no engine loads after it."""

import sys
from pathlib import Path
from types import SimpleNamespace

from model.engine import EngineBroken
from worker.engine_child import serve


def load():
    if Path(sys.argv[2]).exists():
        raise RuntimeError("No CUDA GPUs are available")
    return SimpleNamespace(name="stand-in", reason="it breaks", enhance=enhance)


def enhance(*_):
    Path(sys.argv[2]).touch()
    raise EngineBroken("CUDA error: uncorrectable ECC error encountered")


if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1]), load))
