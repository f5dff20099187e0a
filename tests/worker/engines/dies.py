"""An engine that dies of every photo."""

import os
import sys

from tests.worker.engines.served import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda source, target, progress: os._exit(1))
