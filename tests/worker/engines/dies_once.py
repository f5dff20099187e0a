"""An engine that dies of the first photo, and of none after it; the marker file is its argument."""

import os
import sys
from pathlib import Path

from tests.worker.engines.served import serve


def work(source, target, progress):
    try:
        Path(sys.argv[2]).touch(exist_ok=False)
    except FileExistsError:
        target[:] = source * 2
    else:
        os._exit(1)


if __name__ == "__main__":
    serve(int(sys.argv[1]), work)
