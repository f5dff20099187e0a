"""An engine that reports progress until a file appears, then doubles every code; the file's name is its argument."""

import sys
import time
from pathlib import Path

from tests.worker.engines.served import serve


def work(source, target, progress):
    done = 0.1
    while not Path(sys.argv[2]).exists():
        progress(done)
        done = min(0.9, done + 0.01)
        time.sleep(0.02)  # the pace of its reports; what it waits for is the file
    target[:] = source * 2


if __name__ == "__main__":
    serve(int(sys.argv[1]), work)
