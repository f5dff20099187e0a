"""An engine that is not ready until a file appears, then doubles every code; the file's name is its argument."""

import sys
import time
from pathlib import Path

from tests.worker.engines.served import serve

if __name__ == "__main__":
    while not Path(sys.argv[2]).exists():
        time.sleep(0.02)  # what it waits for is the file
    serve(int(sys.argv[1]), lambda source, target, progress: target.__setitem__(slice(None), source * 2))
